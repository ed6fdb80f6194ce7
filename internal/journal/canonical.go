package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays of a record's data may nest.
const maxDepth = 64

// canonical returns the one form in which the journal stores the object raw: compact, the members sorted by the bytes
// of their keys, only what must be escaped escaped, numbers as they were written. Nothing and null become nothing.
// Its errors never quote raw.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	trimmed := bytes.Trim(raw, " \t\r\n") // the white space of JSON, and no other
	switch {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return nil, nil
	case !utf8.Valid(trimmed):
		return nil, errors.New("it is not UTF-8")
	case !json.Valid(trimmed):
		return nil, errors.New("it is not JSON")
	case trimmed[0] != '{':
		return nil, errors.New("it is not an object")
	}
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	dec.UseNumber()
	return appendNext(make([]byte, 0, len(trimmed)), dec, 0)
}

// appendNext appends the next value that dec holds.
func appendNext(dst []byte, dec *json.Decoder, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errors.New("it nests too deep")
	}
	token, err := dec.Token()
	if err != nil {
		return nil, errors.New("it is not JSON")
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return appendObject(dst, dec, depth)
		}
		return appendArray(dst, dec, depth)
	case string:
		return appendString(dst, t), nil
	case json.Number:
		return append(dst, t...), nil
	case bool:
		if t {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	default:
		return append(dst, "null"...), nil
	}
}

func appendArray(dst []byte, dec *json.Decoder, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for first := true; dec.More(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendNext(dst, dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, _ = dec.Token() // the closing bracket; the whole was found valid before
	return append(dst, ']'), nil
}

func appendObject(dst []byte, dec *json.Decoder, depth int) ([]byte, error) {
	members := map[string][]byte{}
	var keys []string
	for dec.More() {
		token, _ := dec.Token()
		key, _ := token.(string)
		if _, ok := members[key]; ok {
			return nil, errors.New("it holds a key twice")
		}
		value, err := appendNext(nil, dec, depth+1)
		if err != nil {
			return nil, err
		}
		members[key] = value
		keys = append(keys, key)
	}
	_, _ = dec.Token() // the closing brace
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		dst = append(dst, members[key]...)
	}
	return append(dst, '}'), nil
}

// appendString appends s, which is UTF-8, as JSON text with the fewest escapes.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case shortEscape(c) != 0:
			dst = append(dst, '\\', shortEscape(c))
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, '"')
}

// shortEscape returns the letter that stands for control character c after a backslash, or 0 where there is none.
func shortEscape(c byte) byte {
	switch c {
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}
