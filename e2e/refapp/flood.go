package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// begins is how a good answer begins.
const begins = `{"ok":true,"version":"3.0.0","runtimeSecrets":{},"padding":`

// most is a little less than the largest answer that is read, 1 MiB.
const most = 1<<20 - 1<<10

// floods are answers to a status request that want to use up whoever reads them. Each is a switch of its name.
//
//	endless    has no end, and comes fast
//	drip       has no end, and comes a byte at a time
//	deep       nests half a million lists
//	wide       says that it is unwell, is as long as may be, and has a small object every few bytes
//	bomb       is 1 GB of JSON in 1 MB of gzip, which nobody asked for
//	headers    is a header without an end
func floods() map[string]func(w http.ResponseWriter, r *http.Request) {
	return map[string]func(w http.ResponseWriter, r *http.Request){
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, begins+`"`)
			for padding := slices.Repeat([]byte("x"), 1<<16); ; {
				if _, err := w.Write(padding); err != nil {
					return
				}
			}
		},
		"drip": drip,
		"deep": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, begins+strings.Repeat("[", most/2)+strings.Repeat("]", most/2-100)+"}")
		},
		"wide": func(w http.ResponseWriter, _ *http.Request) {
			const item = `{"":{}},`
			_, _ = io.WriteString(w, strings.Replace(begins, "true", "false", 1)+"["+strings.Repeat(item, most/len(item)-20)+"0]}")
		},
		"bomb":    bomb,
		"headers": endlessHeader,
	}
}

// flood answers in the service's place if a switch wants a flood, and tells whether it did.
func (s *Switches) flood(w http.ResponseWriter, r *http.Request) bool {
	for name, answer := range floods() {
		if s.on(name) {
			answer(w, r)
			return true
		}
	}
	return false
}

func drip(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, begins+`"`)
	for tick := time.Tick(50 * time.Millisecond); ; {
		if _, err := io.WriteString(w, "x"); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-tick:
		case <-r.Context().Done():
			return
		}
	}
}

// bomb keeps nothing unpacked: a thousand times the same packed megabyte is a packed gigabyte.
func bomb(w http.ResponseWriter, _ *http.Request) {
	pack := func(text []byte) []byte {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(text) // a Buffer takes everything
		_ = z.Close()
		return packed.Bytes()
	}
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(pack([]byte(begins + `"`)))
	for padding := pack(slices.Repeat([]byte("x"), 1<<20)); ; {
		if _, err := w.Write(padding); err != nil {
			return
		}
	}
}

func endlessHeader(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	for line := "X-Padding: " + strings.Repeat("x", 1000) + "\r\n"; err == nil; {
		_, err = io.WriteString(conn, line)
	}
}

// storm writes the megabytes that the switch is set to, in lines of 1 MB, and ends the service.
func (s *Switches) storm(log io.Writer) error {
	megabytes, err := strconv.Atoi(s.set["log-storm"])
	if err != nil {
		return err
	}
	for line := []byte(strings.Repeat("storm ", 1<<20/6) + "\n"); megabytes > 0; megabytes-- {
		if _, err := log.Write(line); err != nil {
			return err
		}
	}
	_, _ = io.WriteString(log, "fatal: the storm is over\n")
	return exit(3)
}
