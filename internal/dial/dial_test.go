package dial_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/dial"
	"github.com/capakraken/fairlead/internal/fault"
)

// ssh puts a program into the place of the system's ssh. Its words are written, one a line, into the file that is returned.
func ssh(t *testing.T, does string) string {
	t.Helper()
	dir := t.TempDir()
	words := filepath.Join(dir, "words")
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" > '" + words + "'\n" + does + "\n"
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return words
}

// ssh gets fixed words, behind which nothing is an option, and what a login shell says first is skipped.
func TestDial(t *testing.T) {
	words := ssh(t, "echo Welcome; echo; echo '"+dial.Greeting+"'; cat")
	c, err := dial.SSH{Host: "staging", User: "ops", Port: 2222, Socket: "/run/f.sock"}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "hello\n" {
		t.Errorf("%q came back: %v", line, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(words)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(text))
	want := []string{"-l", "ops", "-p", "2222", "--", "staging", "fairlead", "dial-stdio", "--greet", "--socket", "/run/f.sock"}
	if !slices.Equal(got[len(got)-len(want):], want) || !slices.Contains(got, "BatchMode=yes") || !slices.Contains(got, "ConnectTimeout=10") {
		t.Errorf("ssh got %q", got)
	}
}

// Whatever fails on the way is told as the leg that it is, in one line.
func TestLegs(t *testing.T) {
	for does, want := range map[string]string{
		"echo 'ops@staging: Permission denied (publickey).' >&2; exit 255":                   "ssh does not reach ops@staging: ops@staging: Permission denied (publickey).; try: ssh ops@staging true",
		"echo 'sh: fairlead: not found' >&2; exit 127":                                       "ssh reaches ops@staging, but there is no fairlead to be run: sh: fairlead: not found",
		"echo 'fairlead: the daemon does not answer' >&2; exit 8":                            "ssh reaches ops@staging, but fairlead there does not reach its daemon: the daemon does not answer",
		"printf 'fairlead: there is no command\\nusage: x\\n' >&2; exit 2":                   "ssh reaches ops@staging, but fairlead there knows no dial-stdio: fairlead: there is no command; usage: x; are both of one version?",
		"printf 'a\\033[2J\\tb' >&2; exit 3":                                                 "the command there ended with exit code 3 before it was connected: a [2J b",
		"echo no; exit 0":                                                                    "the command there ended with exit code 0 before it was connected",
		"i=0; while [ $i -lt 3000 ]; do echo a line of noise that goes on; i=$((i+1)); done": "before it was connected",
	} {
		t.Run(want, func(t *testing.T) {
			ssh(t, does)
			_, err := dial.SSH{Host: "staging", User: "ops"}.Dial(t.Context())
			if fault.KindOf(err) != fault.Unreachable || !strings.Contains(fault.Text(err), want) || strings.Contains(fault.Text(err), "\n") {
				t.Errorf("got %v of kind %s", err, fault.KindOf(err))
			}
		})
	}
	t.Run("no ssh", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := (dial.SSH{Host: "staging"}).Dial(t.Context()); !strings.Contains(fault.Text(err), "ssh cannot be run on this host") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ssh(t, "exec sleep 60")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := dial.SSH{Host: "staging"}.Dial(ctx)
		if fault.KindOf(err) != fault.Unreachable || !strings.Contains(fault.Text(err), "was not reached through ssh within") {
			t.Errorf("got %v", err)
		}
	})
}

// socket returns both ends of a daemon's connection.
func socket(t *testing.T) (here, daemon *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "fl")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ln.Close(), os.RemoveAll(dir) })
	a, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return a.(*net.UnixConn), b.(*net.UnixConn)
}

// The end of the input is passed on alone: the daemon's answer to it still comes, to its last byte.
func TestStdioHalfCloses(t *testing.T) {
	t.Parallel()
	here, daemon := socket(t)
	answered := make(chan error, 1)
	go func() { // ends with the connection
		asked, err := io.ReadAll(daemon) // only a half-close ends this
		if err == nil {
			_, err = io.WriteString(daemon, strings.ToUpper(string(asked)))
		}
		answered <- errors.Join(err, daemon.Close())
	}()
	var out strings.Builder
	if err := dial.Stdio(t.Context(), strings.NewReader(strings.Repeat("question ", 100_000)), &out, here); err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil || out.String() != strings.Repeat("QUESTION ", 100_000) {
		t.Errorf("%d bytes came back: %v", out.Len(), err)
	}
}

// When the daemon has ended the connection, so does the relay, although its input goes on.
func TestStdioEndsWithTheDaemon(t *testing.T) {
	t.Parallel()
	here, daemon := socket(t)
	in, stop := io.Pipe()
	defer func() { _ = stop.Close() }()
	if _, err := io.WriteString(daemon, "bye"); err != nil {
		t.Fatal(err)
	}
	_ = daemon.Close()
	var out strings.Builder
	if err := dial.Stdio(t.Context(), in, &out, here); err != nil || out.String() != "bye" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
