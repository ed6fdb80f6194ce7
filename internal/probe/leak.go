package probe

import (
	"errors"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// ErrLeak tells that an answer contains the value of a secret. It is final: the value is already out.
var ErrLeak = errors.New("the answer contains the value of a secret")

// leak returns an error that is ErrLeak when text contains a value that an answer must not contain.
func leak(l workload.Look, where, text string) error {
	names := l.Forbidden.Found(text)
	if len(names) == 0 {
		return nil
	}
	return fault.Hide(ErrLeak, fault.Refused,
		"service %s: %s: the answer contains the value of %s (rule 2 of ADR 0001: presence and source, never a value); mend the app, then rotate what it showed",
		l.Container.Service, where, strings.Join(names, ", "))
}

// leakInside looks for values in the strings of a decoded answer, where no escape of the encoding hides them any more.
func leakInside(l workload.Look, where string, v any) error {
	var b strings.Builder
	gather(&b, v)
	return leak(l, where, b.String())
}

// gather writes all strings of v, keys as well, each on a line of its own.
func gather(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		b.WriteString(v + "\n")
	case []any:
		for _, e := range v {
			gather(b, e)
		}
	case map[string]any:
		for k, e := range v {
			gather(b, k)
			gather(b, e)
		}
	}
}
