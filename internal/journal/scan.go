package journal

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// scanner walks over one line and accepts nothing but the bytes that appendLine writes. Verification so compares a line
// with its canonical form without building that form. After the first fault every method does nothing.
type scanner struct {
	b   []byte
	i   int // the byte that is looked at, and after a fault the one at fault
	bad bool
}

func (s *scanner) fail() { s.bad = true }

// at returns the byte that is looked at, or 0 at the end: no line may hold a 0.
func (s *scanner) at() byte {
	if s.bad || s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// has steps over text if it comes next.
func (s *scanner) has(text string) bool {
	if end := s.i + len(text); !s.bad && end <= len(s.b) && string(s.b[s.i:end]) == text {
		s.i = end
		return true
	}
	return false
}

// must steps over text, which has to come next.
func (s *scanner) must(text string) {
	if !s.has(text) {
		s.fail()
	}
}

// natural reads a number without sign and without leading zeros.
func (s *scanner) natural() uint64 {
	start, n := s.i, uint64(0)
	for c := s.at(); '0' <= c && c <= '9'; c = s.at() {
		d := uint64(c - '0')
		if n > (math.MaxUint64-d)/10 {
			s.fail()
			return 0
		}
		n = n*10 + d
		s.i++
	}
	if s.bad || s.i == start || s.b[start] == '0' && s.i > start+1 {
		s.fail()
	}
	return n
}

// id reads one of an actor's numbers.
func (s *scanner) id() int64 {
	n := s.natural()
	if n > math.MaxInt64 {
		s.fail()
	}
	return int64(n & math.MaxInt64)
}

// text reads a string and returns what stands between its quotes, escapes and all.
func (s *scanner) text() []byte {
	s.must(`"`)
	if s.bad {
		return nil
	}
	start := s.i
	for s.plain(); s.i < len(s.b); s.plain() {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1]
		case c == '\\':
			s.escape()
			if s.bad {
				return nil
			}
		case c < 0x20:
			s.fail()
			return nil
		default:
			s.i++
		}
	}
	s.fail()
	return nil
}

// plain steps over bytes that stand for themselves in a string, eight at a time: verification spends most of its time
// on them. It may stop before one of those.
func (s *scanner) plain() {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(s.b)-s.i >= 8 {
		w := binary.LittleEndian.Uint64(s.b[s.i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// A byte's top bit is set where it was below the number that is taken away, or where a lower byte borrowed.
		if ((quote-ones)&^quote|(slash-ones)&^slash|(w-ones*0x20)&^w)&tops != 0 {
			return
		}
		s.i += 8
	}
}

// escape steps over a backslash and what belongs to it; there is one spelling for each character.
func (s *scanner) escape() {
	s.i++
	switch c := s.at(); c {
	case '"', '\\', 'b', 't', 'n', 'f', 'r':
		s.i++
		return
	}
	if s.must("u00"); s.bad || s.i+2 > len(s.b) {
		s.fail()
		return
	}
	c, ok := control(s.b[s.i], s.b[s.i+1])
	if !ok || shortEscape(c) != 0 {
		s.fail()
		return
	}
	s.i += 2
}

// control returns the control character that two hexadecimal digits spell.
func control(high, low byte) (byte, bool) {
	if high != '0' && high != '1' {
		return 0, false
	}
	switch {
	case '0' <= low && low <= '9':
		low -= '0'
	case 'a' <= low && low <= 'f':
		low -= 'a' - 10
	default:
		return 0, false
	}
	return (high-'0')<<4 | low, true
}

// value steps over one JSON value in canonical form.
func (s *scanner) value(depth int) {
	if depth > maxDepth {
		s.fail()
		return
	}
	switch c := s.at(); c {
	case '{':
		s.object(depth)
	case '[':
		s.array(depth)
	case '"':
		s.text()
	case 't':
		s.must("true")
	case 'f':
		s.must("false")
	case 'n':
		s.must("null")
	default:
		s.number()
	}
}

func (s *scanner) array(depth int) {
	s.must("[")
	if s.has("]") {
		return
	}
	for !s.bad {
		if s.value(depth + 1); s.has("]") {
			return
		}
		s.must(",")
	}
}

// object steps over an object whose keys rise strictly, so that none stands twice.
func (s *scanner) object(depth int) {
	s.must("{")
	if s.has("}") {
		return
	}
	var last []byte
	for first := true; !s.bad; first = false {
		start := s.i
		key := s.text()
		if !first && !s.bad && compareText(last, key) >= 0 {
			s.i = start
			s.fail()
		}
		last = key
		s.must(":")
		if s.value(depth + 1); s.has("}") {
			return
		}
		s.must(",")
	}
}

func (s *scanner) number() {
	s.has("-")
	if !s.has("0") {
		s.digits()
	}
	if s.has(".") {
		s.digits()
	}
	if s.has("e") || s.has("E") {
		_ = s.has("+") || s.has("-")
		s.digits()
	}
}

// digits steps over one digit or more.
func (s *scanner) digits() {
	start := s.i
	for c := s.at(); '0' <= c && c <= '9'; c = s.at() {
		s.i++
	}
	if s.i == start {
		s.fail()
	}
}

// compareText compares the strings that a and b spell.
func compareText(a, b []byte) int {
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Compare(a, b)
	}
	return bytes.Compare([]byte(unescape(a)), []byte(unescape(b)))
}

// unescape returns the string that text, as the scanner accepted it, spells.
func unescape(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text)
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		i++
		switch text[i] {
		case 'b':
			out = append(out, '\b')
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'f':
			out = append(out, '\f')
		case 'r':
			out = append(out, '\r')
		case 'u':
			c, _ := control(text[i+3], text[i+4])
			out = append(out, c)
			i += 4
		default:
			out = append(out, text[i])
		}
	}
	return string(out)
}

// moment reads a time of timeLayout's form that the calendar knows, and returns its bytes.
func (s *scanner) moment() []byte {
	const form = "0000-00-00T00:00:00.000000000Z"
	if s.bad || len(s.b)-s.i < len(form) {
		s.fail()
		return nil
	}
	text := s.b[s.i : s.i+len(form)]
	for i, c := range text {
		if form[i] == '0' && '0' <= c && c <= '9' || form[i] != '0' && c == form[i] {
			continue
		}
		s.i += i
		s.fail()
		return nil
	}
	two := func(i int) int { return int(text[i]-'0')*10 + int(text[i+1]-'0') }
	month, day := two(5), two(8)
	inCalendar := 1 <= month && month <= 12 && 1 <= day && day <= daysIn(two(0)*100+two(2), month)
	if !inCalendar || two(11) > 23 || two(14) > 59 || two(17) > 59 {
		s.fail()
		return nil
	}
	s.i += len(form)
	return text
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
