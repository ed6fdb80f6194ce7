package server

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/capakraken/fairlead/internal/fault"
)

// What a request may hold.
const (
	maxBody   = 64 << 10
	maxReason = 500 // bytes
	maxKey    = 128 // bytes of an idempotency key
)

// errMediaType is the cause of a refusal for the body's Content-Type.
var errMediaType = errors.New("unsupported media type")

// decode reads the request's body, one JSON object with no field that v does not have.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return fault.Hide(errMediaType, fault.Usage, "the body must be JSON, sent with Content-Type: application/json")
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return malformed(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Usage, "the body holds more than one JSON value")
	}
	return http.NewResponseController(w).SetReadDeadline(time.Time{}) // all is read, and the answer may take long
}

// malformed says in our words why a body cannot be read. Of the decoder's own words only a field's name is used.
func malformed(err error) error {
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fault.New(fault.Usage, "the body has a field that is not known here: %s", name)
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.Hide(large, fault.Usage, "the body is larger than %d bytes", large.Limit)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.Hide(err, fault.Usage, "the body's field %q is a %s, where a %s belongs", wrong.Field, wrong.Value, wrong.Type.Kind())
	}
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault.Hide(err, fault.Usage, "the body is no JSON: it breaks at byte %d", bad.Offset)
	}
	return fault.Hide(err, fault.Usage, "the body is no JSON object, or it ends too early")
}

// plainText refuses text that would be shown to people and is too long, or could play with their terminal.
func plainText(name, text string, most int) error {
	switch {
	case len(text) > most:
		return fault.New(fault.Usage, "the %s is longer than %d bytes", name, most)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable):
		return fault.New(fault.Usage, "the %s must be one line of plain text", name)
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// reasoned refuses an empty reason and one that is no plain text.
func reasoned(reason, what string) error {
	if strings.TrimSpace(reason) == "" {
		return fault.New(fault.Usage, "%s takes a reason, for those who read the audit log", what)
	}
	return plainText("reason", reason, maxReason)
}

// query returns the request's parameters, and refuses one that is not among those known here.
func query(r *http.Request, known ...string) (map[string]string, error) {
	out := map[string]string{}
	for name, values := range r.URL.Query() {
		switch {
		case !slices.Contains(known, name):
			return nil, fault.New(fault.Usage, "the parameter %q is not known here; these are: %s", name, strings.Join(known, ", "))
		case len(values) > 1:
			return nil, fault.New(fault.Usage, "the parameter %q is given %d times", name, len(values))
		}
		out[name] = values[0]
	}
	return out, nil
}

// count reads a number that is not negative; an empty text is otherwise.
func count(name, text string, otherwise, most uint64) (uint64, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > most {
		return 0, fault.New(fault.Usage, "the parameter %q is %q, where a number from 0 to %d belongs", name, text, most)
	}
	return n, nil
}

// bound gives the peer a while to take what is written next.
func bound(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // not supported only in tests
}
