package journal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// seeds returns lines of every shape.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	at := time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.UTC)
	var lines [][]byte
	for _, r := range []Record{
		{Actor: daemon(), Type: "daemon.started"},
		{Actor: Actor{PID: 1, User: "root", Role: "admin"}, Type: "a", App: "b", Rollout: "c", Step: "d", Data: json.RawMessage(`{}`)},
		{Actor: Actor{UID: 1 << 62}, Type: "a", Data: json.RawMessage(`{"":[[],{},-0,0.10,1e9,1E-9,true,false,null],"\u0001":"\u001f\t\"\\ü","a\nb":{"x":1}}`)},
		{Actor: Actor{Role: "viewer"}, Type: "\u2028\u007f"},
	} {
		r.V, r.Seq, r.Time, r.Prev = Version, 18446744073709551615, at, zeroHash
		line, err := r.Line()
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, bytes.TrimSuffix(line, []byte("\n")))
	}
	return lines
}

// decoded is the wire form as encoding/json sees it, which knows nothing of our scanner.
type decoded struct {
	Record
	CRC string `json:"crc"`
}

// FuzzLine holds the scanner against encoding/json: a line is accepted exactly when decoding it and encoding the
// outcome canonically gives its bytes again.
func FuzzLine(f *testing.F) {
	for _, line := range seeds(f) {
		f.Add(line)
		f.Add([]byte(strings.Replace(string(line), ":", ": ", 1)))
		f.Add(line[:len(line)/2])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, line []byte) {
		// Few mutations keep the checksum right, so the line is tried sealed as well.
		for _, candidate := range [][]byte{line, sealed(line)} {
			v, err := parse(candidate)
			want, ok := reencoded(candidate)
			if accepted := err == nil; accepted != (ok && bytes.Equal(want, candidate)) {
				t.Fatalf("parse(%q) gave %v, but encoded again it is %q", candidate, err, want)
			}
			if err != nil {
				continue
			}
			again, err := v.record().Line()
			if err != nil || !bytes.Equal(again, append(candidate, '\n')) {
				t.Fatalf("%q was read as %q, %v", candidate, again, err)
			}
		}
	})
}

func sealed(line []byte) []byte {
	if !bytes.Contains(line, []byte(`,"crc":"`)) {
		return line
	}
	return []byte(resealed(string(line)))
}

// reencoded returns line decoded by encoding/json and encoded canonically, if that can be done.
func reencoded(line []byte) (out []byte, ok bool) {
	var d decoded
	if json.Unmarshal(line, &d) != nil {
		return nil, false
	}
	out, err := d.Line()
	return bytes.TrimSuffix(out, []byte("\n")), err == nil
}

// FuzzData holds the canonical form of a record's data against encoding/json: it means the same, it is its own
// canonical form, and the scanner accepts it and nothing else.
func FuzzData(f *testing.F) {
	for _, line := range seeds(f) {
		f.Add(line)
	}
	f.Add([]byte(`{"b":1,"a":[{"d":"\u00e9\ud83d\ude00","c":"\/"}]}`))
	f.Add([]byte(` { "a" : 1 , "a" : 2 } `))
	f.Add([]byte("\f{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := canonical(raw)
		s := scanner{b: raw}
		s.object(0)
		isCanonical := !s.bad && s.i == len(raw)
		if err != nil || out == nil {
			if isCanonical && json.Valid(raw) && bytes.Equal(bytes.ToValidUTF8(raw, nil), raw) {
				t.Fatalf("the scanner accepts %q, canonical says %v", raw, err)
			}
			return
		}
		if isCanonical != bytes.Equal(out, raw) {
			t.Fatalf("the scanner takes %q for canonical: %t; the canonical form is %q", raw, isCanonical, out)
		}
		if again, err := canonical(out); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q is not its own canonical form: %q, %v", out, again, err)
		}
		if same(t, raw) != same(t, out) {
			t.Fatalf("%q became %q", raw, out)
		}
	})
}

// same returns a form of raw in which equal values are equal.
func same(t *testing.T, raw []byte) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
