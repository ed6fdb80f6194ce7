package cli

import (
	"encoding/json"
	"testing"

	"github.com/capakraken/fairlead/internal/journal"
)

func TestMended(t *testing.T) {
	for _, c := range []struct{ kind, data, want string }{
		{"journal.recovered", `{"failed":"the journal in /s cannot be written: no space left on device","tear":null}`,
			"it can be written again, which had failed: the journal in /s cannot be written: no space left on device"},
		{"journal.recovered", `{"tear":{"seq":7,"file":"/s/1","line":7,"offset":90,"bytes":12}}`,
			"it can be written again; cut off at /s/1:7, where record 7 would stand: 12 bytes that nobody had been told of"},
		{"journal.repaired", `{"seq":7,"file":"/s/1","line":7,"offset":90,"bytes":1}`,
			"a crash had left its end incomplete: cut off at /s/1:7, where record 7 would stand: 1 byte that nobody had been told of"},
		{"app.locked", `{"reason":"CHG-7"}`, "reason=CHG-7"},
	} {
		if got := gist(journal.Record{Type: c.kind, Data: json.RawMessage(c.data)}); got != c.want {
			t.Errorf("%s is told as %q\nnot %q", c.kind, got, c.want)
		}
	}
}
