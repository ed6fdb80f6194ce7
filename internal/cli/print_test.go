package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{took(34 * time.Millisecond), "34 ms"},
		{took(3400 * time.Millisecond), "3.4 s"},
		{took(12 * time.Second), "12 s"},
		{took(125*time.Second + 400*time.Millisecond), "2 min 5 s"},
		{roughly(-time.Second), "0s"},
		{roughly(59 * time.Second), "59s"},
		{roughly(3 * time.Minute), "3m"},
		{roughly(47 * time.Hour), "47h"},
		{roughly(49 * time.Hour), "2d"},
		{size(160), "160 bytes"},
		{size(999_999), "1000 kB"},
		{size(6_200_000), "6.2 MB"},
		{size(2_500_000_000), "2.5 GB"},
		{count(1, "look", "looks"), "1 look"},
		{count(0, "look", "looks"), "0 looks"},
		{plain("a\x1b[2Jb\rc\u202ed\tä\n"), "a\uFFFD[2Jb\uFFFDc\uFFFDd\tä\n"},
		{flat(" a\n\tb  c "), "a b c"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// FuzzStory tells events as another version, or something else altogether, might send them.
func FuzzStory(f *testing.F) {
	f.Add(`{"type":"rollout.requested","event":{"request":{"id":"01K","app":"a","kind":"deploy","services":["web"]}}}` + "\n" +
		`{"type":"action.begun","event":{"action":{"verb":"validate","step":"validate"}}}` + "\n" +
		`{"type":"action.done","event":{"action":{"verb":"validate","step":"validate"},"evidence":{"validated":{"sources":["f"],"baseline":[{"service":"web"}]}}}}`)
	f.Add(`{"type":"action.failed","event":{}}` + "\n" + `{"type":"action.done","event":{"evidence":{"pulled":{}}}}`)
	f.Add(`{"type":"action.begun","event":{"action":{"verb":"replace","service":"nowhere"}}}`)
	f.Add(`{"type":"rollout.flown","event":{"reason":"\u001b[2J"}}`)
	f.Add(`{"type":"rollout.ended","event":{"outcome":"halted"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s story
		for line := range strings.Lines(text) {
			var e api.Event
			if json.Unmarshal([]byte(line), &e) != nil || e.Event == nil {
				continue
			}
			e.Event.Type = rollout.EventType(e.Type)
			for _, l := range s.take(e) {
				if strings.ContainsFunc(plain(l), func(r rune) bool { return !unicode.IsPrint(r) && r != '\t' }) {
					t.Fatalf("a line that is not plain: %q", l)
				}
			}
			r := api.NewRollout(s.state)
			_, _, _ = conclusion(r, atLength), aftermath(r, fewLines), steps(s.state)
		}
	})
}
