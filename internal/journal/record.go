package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/capakraken/fairlead/internal/fault"
)

// Version is the version of the line format that this package writes, and the newest that it reads.
const Version = 1

// MaxLine is the length in bytes of the longest line, its line feed included.
const MaxLine = 256 << 10

// timeLayout always gives the same number of bytes, so that times compare as text.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// Actor is who caused a record: the peer of a connection, by the numbers that the kernel told and the names they had
// at that time, or the daemon itself, which has a User and no numbers.
type Actor struct {
	UID  int64  `json:"uid"`
	GID  int64  `json:"gid"`
	PID  int64  `json:"pid"`
	User string `json:"user"`
	Role string `json:"role"`
}

// MarshalJSON encodes the actor as in the journal: the numbers stand together or not at all, so that root's 0 is never
// mistaken for an unknown one; an empty name is left out.
func (a Actor) MarshalJSON() ([]byte, error) { return appendActor(nil, a), nil }

// Record is one line of the journal. Append fills V, Seq, Time and Prev; Actor and Type are required. No field ever
// holds a secret value: the journal stores what it is given.
type Record struct {
	V       int             `json:"v"`
	Seq     uint64          `json:"seq"`  // 1 for the first record, then without gaps
	Time    time.Time       `json:"time"` // UTC; never before the record before it
	Actor   Actor           `json:"actor"`
	Type    string          `json:"type"`
	App     string          `json:"app,omitempty"`
	Rollout string          `json:"rollout,omitempty"`
	Step    string          `json:"step,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"` // a JSON object, or nothing
	Prev    string          `json:"prev"`           // SHA-256 of the line before without its line feed, in hexadecimal
}

// Line returns the record's canonical line with its line feed, byte for byte what the journal holds.
func (r Record) Line() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	data, err := canonical(r.Data)
	if err != nil {
		return nil, fault.New(fault.Internal, "the data of a %q record is not fit for the journal: %s; nothing was written", r.Type, err)
	}
	r.Data = data
	line := appendLine(make([]byte, 0, 512+len(data)), r)
	if len(line) > MaxLine {
		return nil, fault.New(fault.Internal, "a %q record of %d bytes is too long for the journal, which takes %d; nothing was written", r.Type, len(line), MaxLine)
	}
	return line, nil
}

// check returns what keeps r from being written as a line that would be read back the same.
func (r Record) check() error {
	unfit := func(why string) error {
		return fault.New(fault.Internal, "a %q record is not fit for the journal: %s; nothing was written", r.Type, why)
	}
	switch {
	case r.V != Version:
		return unfit("its version is " + strconv.Itoa(r.V))
	case r.Seq == 0:
		return unfit("its sequence number is 0")
	case r.Type == "":
		return unfit("it has no type")
	case r.Actor == Actor{}:
		return unfit("it has no actor")
	case min(r.Actor.UID, r.Actor.GID, r.Actor.PID) < 0:
		return unfit("its actor has a negative number")
	case r.Time.UTC().Year() < 0 || r.Time.UTC().Year() > 9999:
		return unfit("its year does not have four digits")
	case len(r.Prev) != hex.EncodedLen(sha256.Size):
		return unfit("its prev is not a SHA-256")
	}
	for _, s := range []string{r.Type, r.App, r.Rollout, r.Step, r.Actor.User, r.Actor.Role} {
		if !utf8.ValidString(s) {
			return unfit("a field is not UTF-8")
		}
	}
	return nil
}

// appendLine appends r as a line. The order of the fields is part of the format. The checksum guards the last line,
// which no prev covers yet, and lets a line that rotted on the disk be told from one that was changed on purpose.
func appendLine(dst []byte, r Record) []byte {
	start := len(dst)
	dst = strconv.AppendInt(append(dst, `{"v":`...), int64(r.V), 10)
	dst = strconv.AppendUint(append(dst, `,"seq":`...), r.Seq, 10)
	dst = r.Time.UTC().AppendFormat(append(dst, `,"time":"`...), timeLayout)
	dst = appendActor(append(dst, `","actor":`...), r.Actor)
	dst = appendString(append(dst, `,"type":`...), r.Type)
	dst = appendField(dst, `,"app":`, r.App)
	dst = appendField(dst, `,"rollout":`, r.Rollout)
	dst = appendField(dst, `,"step":`, r.Step)
	if len(r.Data) > 0 {
		dst = append(append(dst, `,"data":`...), r.Data...)
	}
	dst = appendString(append(dst, `,"prev":`...), r.Prev)
	sum := checksum(dst[start:])
	dst = append(append(dst, `,"crc":"`...), sum[:]...)
	return append(dst, "\"}\n"...)
}

func appendActor(dst []byte, a Actor) []byte {
	start := len(dst)
	if a.UID != 0 || a.GID != 0 || a.PID != 0 {
		dst = strconv.AppendInt(append(dst, `,"uid":`...), a.UID, 10)
		dst = strconv.AppendInt(append(dst, `,"gid":`...), a.GID, 10)
		dst = strconv.AppendInt(append(dst, `,"pid":`...), a.PID, 10)
	}
	dst = appendField(dst, `,"user":`, a.User)
	dst = appendField(dst, `,"role":`, a.Role)
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{' // in the place of the first comma
	return append(dst, '}')
}

// appendField appends a field that is left out when it is empty.
func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, name...), value)
}

// checksum returns the CRC-32C of b in hexadecimal.
func checksum(b []byte) [8]byte {
	const digits = "0123456789abcdef"
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	var out [8]byte
	for i := range out {
		out[i] = digits[sum>>28]
		sum <<= 4
	}
	return out
}
