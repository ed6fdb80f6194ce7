// Box is what runs in the containers of this room's tests: a program that waits, talks, ends or hangs as its first
// argument says.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	word, rest := "wait", os.Args[1:]
	if len(rest) > 0 {
		word, rest = rest[0], rest[1:]
	}
	switch word {
	case "wait": // until it is told to end
		fmt.Println("waiting")
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM)
		<-ended
	case "stubborn": // does not hear
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("waiting")
		time.Sleep(time.Hour)
	case "exit":
		code, _ := strconv.Atoi(rest[0])
		fmt.Println("ending")
		os.Exit(code)
	case "say": // on both streams
		fmt.Println(strings.Join(rest, " "))
		fmt.Fprintln(os.Stderr, "aside")
	case "fail":
		fmt.Println("a value that must not be passed on")
		os.Exit(3)
	case "count":
		n, _ := strconv.Atoi(rest[0])
		for i := range n {
			fmt.Println("line", i)
		}
	case "names": // of the environment's variables
		for _, entry := range os.Environ() {
			name, _, _ := strings.Cut(entry, "=")
			fmt.Println(name)
		}
	case "hang":
		time.Sleep(time.Hour)
	}
}
