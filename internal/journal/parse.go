package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// errNewer says that a line's format is newer than this package. What follows the version cannot be judged.
var errNewer = errors.New("it was written by a newer fairlead")

// view is a line taken apart. Its slices are parts of that line: strings keep their escapes.
type view struct {
	seq                      uint64
	time                     []byte
	uid, gid, pid            int64
	user, role               []byte
	kind, app, rollout, step []byte
	data                     []byte
	prev                     []byte
}

// parse takes apart a line without its line feed. It accepts exactly the lines that Record.Line makes, and its errors
// never quote what they are about.
func parse(line []byte) (view, error) {
	var v view
	s := scanner{b: line}
	if s.must(`{"v":`); s.natural() != Version && !s.bad {
		return v, errNewer
	}
	s.must(`,"seq":`)
	if v.seq = s.natural(); v.seq == 0 {
		s.fail()
	}
	s.must(`,"time":"`)
	v.time = s.moment()
	s.must(`","actor":{`)
	v.actor(&s)
	s.must(`},"type":`)
	if v.kind = s.text(); len(v.kind) == 0 {
		s.fail()
	}
	v.app = s.field(`,"app":`)
	v.rollout = s.field(`,"rollout":`)
	v.step = s.field(`,"step":`)
	v.object(&s)
	s.must(`,"prev":`)
	if v.prev = s.text(); len(v.prev) != len(zeroHash) {
		s.fail()
	}
	covered := s.i
	s.must(`,"crc":`)
	sum := s.text()
	s.must("}")
	switch {
	case s.bad || s.i != len(line):
		return v, fmt.Errorf("it is not a record in canonical form, from byte %d on", s.i+1)
	case !utf8.Valid(line):
		return v, errors.New("it is not UTF-8")
	}
	if want := checksum(line[:covered]); string(sum) != string(want[:]) {
		return v, errors.New("its checksum does not match its bytes")
	}
	return v, nil
}

func (v *view) actor(s *scanner) {
	if s.has(`"uid":`) {
		v.uid = s.id()
		s.must(`,"gid":`)
		v.gid = s.id()
		s.must(`,"pid":`)
		v.pid = s.id()
		if v.uid == 0 && v.gid == 0 && v.pid == 0 {
			s.fail()
		}
		v.user = s.field(`,"user":`)
		v.role = s.field(`,"role":`)
		return
	}
	if v.user = s.field(`"user":`); len(v.user) > 0 {
		v.role = s.field(`,"role":`)
		return
	}
	if v.role = s.field(`"role":`); len(v.role) == 0 {
		s.fail() // nobody
	}
}

// field reads a string that is left out when it is empty.
func (s *scanner) field(name string) []byte {
	if !s.has(name) {
		return nil
	}
	text := s.text()
	if len(text) == 0 {
		s.fail()
	}
	return text
}

func (v *view) object(s *scanner) {
	if !s.has(`,"data":`) {
		return
	}
	start := s.i
	s.object(0)
	v.data = s.b[start:s.i]
}

// record returns the record that the line holds, as a copy.
func (v *view) record() Record {
	r := Record{
		V: Version, Seq: v.seq, Time: moment(v.time),
		Actor: Actor{UID: v.uid, GID: v.gid, PID: v.pid, User: unescape(v.user), Role: unescape(v.role)},
		Type:  unescape(v.kind), App: unescape(v.app), Rollout: unescape(v.rollout), Step: unescape(v.step),
		Prev: unescape(v.prev),
	}
	if len(v.data) > 0 {
		r.Data = append(json.RawMessage(nil), v.data...)
	}
	return r
}

// moment returns the time that text, as the scanner accepted it, spells.
func moment(text []byte) time.Time {
	t, _ := time.Parse(timeLayout, string(text))
	return t
}
