//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// canary returns a value that exists nowhere else, of letters, digits and signs that encodings change.
func canary() string { return "K" + rand.Text() + "&<%+/=" + strings.ToLower(rand.Text()) }

// needle is a form in which a value, or a part of it, can stand in a text.
type needle struct{ value, form, text string }

// hunt looks for values that must not stand anywhere.
type hunt []needle

// newHunt returns the hunt for values, by a name for each.
func newHunt(values map[string]string) hunt {
	var h hunt
	for name, value := range values {
		for form, text := range forms(value) {
			h = append(h, needle{name, form, text})
		}
		for part := range fragments(value) {
			h = append(h, needle{name, "a fragment", part})
		}
	}
	return h
}

// forms returns a value as various encodings have it.
func forms(v string) map[string]string {
	encoded, _ := json.Marshal(v) // a string can always be encoded
	backwards := []byte(v)
	slices.Reverse(backwards)
	out := map[string]string{
		"as it is": v, "JSON": strings.Trim(string(encoded), `"`), "Go": strings.Trim(fmt.Sprintf("%q", v), `"`),
		"hex": hex.EncodeToString([]byte(v)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(v))),
		"a URL's query": url.QueryEscape(v), "a URL's path": url.PathEscape(v), "a URL's user": url.User(v).String(),
		"bytes": strings.Trim(fmt.Sprint([]byte(v)), "[]"), "bytes in JSON": strings.ReplaceAll(strings.Trim(fmt.Sprint([]byte(v)), "[]"), " ", ","),
		"backwards": string(backwards),
	}
	for offset := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 of URLs": base64.RawURLEncoding} {
			out[fmt.Sprintf("%s at %d", name, offset)] = inBase64(encoding, v, offset)
		}
	}
	return out
}

// inBase64 returns what base64 makes of v when so many bytes stand before it, without the characters that depend on its
// neighbours.
func inBase64(encoding *base64.Encoding, v string, offset int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("x", offset) + v))
	first := (offset*8 + 5) / 6
	last := (offset + len(v)) * 8 / 6
	return text[first:last]
}

// fragments yields all parts of v that are long enough to be no accident: eight bytes, or twelve where they are nothing but
// hexadecimal, which ids and digests are full of.
func fragments(v string) func(func(string) bool) {
	length := 8
	if strings.Trim(v, "0123456789abcdef") == "" {
		length = 12
	}
	return func(yield func(string) bool) {
		for i := 0; i+length <= len(v); i++ {
			if !yield(v[i : i+length]) {
				return
			}
		}
	}
}

// in returns what of the values stands in a text, at most one finding for each value.
func (h hunt) in(text string) []string {
	found := map[string]string{}
	for _, n := range h {
		if i := strings.Index(text, n.text); i >= 0 && (found[n.value] == "" || n.form != "a fragment") {
			found[n.value] = fmt.Sprintf("%s (%s) at byte %d: …%q…", n.value, n.form, i, text[max(0, i-60):min(len(text), i+len(n.text)+20)])
		}
	}
	var out []string
	for _, finding := range found {
		out = append(out, finding)
	}
	slices.Sort(out)
	return out
}

// The hunt finds every form in the middle of other bytes, and nothing in what does not hold it.
func TestHuntFinds(t *testing.T) {
	v := canary()
	h := newHunt(map[string]string{"it": v})
	for form, text := range forms(v) {
		if len(h.in(`{"a":"`+text+`"}`)) == 0 {
			t.Errorf("%s is not found", form)
		}
	}
	for offset := range 5 {
		if len(h.in(base64.StdEncoding.EncodeToString([]byte("before"[:offset]+v+"after")))) == 0 {
			t.Errorf("base64 behind %d bytes is not found", offset)
		}
	}
	if len(h.in("…"+v[11:19]+"…")) == 0 {
		t.Error("a fragment is not found")
	}
	if found := h.in(canary() + strings.Join(slices.Collect(fragments(canary())), " ")); len(found) > 0 {
		t.Errorf("found what is not there: %v", found)
	}
}
