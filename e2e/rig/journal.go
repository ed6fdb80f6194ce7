package rig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Record is what a test looks at in a line of the daemon's journal.
type Record struct {
	Seq     uint64
	Time    time.Time
	Type    string
	Rollout string
	Step    string
	Data    struct {
		Action  struct{ Verb, Service string }
		Request struct{ Kind string }
		Outcome string
		Failure struct{ Message string }
	}
}

// String returns what happened, in a few words.
func (r Record) String() string {
	text := r.Type
	for _, word := range []string{r.Data.Action.Verb, r.Data.Action.Service, r.Data.Outcome, r.Data.Failure.Message} {
		if word != "" {
			text += " " + word
		}
	}
	return text
}

// Journal returns all records that the daemon has written.
func (r *Rig) Journal() ([]Record, error) { return (&Tail{dir: r.journal()}).Next() }

func (r *Rig) journal() string { return filepath.Join(r.State(), "journal") }

// Tail reads the journal as it grows, from outside and while the daemon writes it.
type Tail struct {
	dir    string
	name   string // of the segment that is read
	offset int64
}

// Tail returns a Tail that begins behind what is there now.
func (r *Rig) Tail() (*Tail, error) {
	t := &Tail{dir: r.journal()}
	_, err := t.Next()
	return t, err
}

// Next returns the records that came since the last call. A line that is being written just now is left for the next one.
func (t *Tail) Next() ([]Record, error) {
	segments, err := filepath.Glob(filepath.Join(t.dir, "*.jsonl")) // sorted, and so in order
	if err != nil {
		return nil, err
	}
	var out []Record
	for _, name := range segments {
		if name < t.name {
			continue
		}
		if name > t.name {
			t.name, t.offset = name, 0
		}
		more, err := t.read()
		out = append(out, more...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// read returns the whole lines that the segment holds behind the offset.
func (t *Tail) read() ([]Record, error) {
	f, err := os.Open(t.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.NewSectionReader(f, t.offset, 1<<30))
	if err != nil {
		return nil, err
	}
	var out []Record
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return out, fmt.Errorf("read a record of %s: %w", t.name, err)
		}
		out = append(out, r)
		t.offset += int64(len(line))
	}
	return out, nil
}
