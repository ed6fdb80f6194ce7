package cli

import (
	"encoding/json"
	"fmt"

	"github.com/capakraken/fairlead/internal/journal"
)

// mended says what became of the journal itself, for the records that tell of it.
func mended(r journal.Record) string {
	var data struct {
		journal.Tear               // of journal.repaired
		Failed       string        `json:"failed"`
		Cut          *journal.Tear `json:"tear"`
	}
	if json.Unmarshal(r.Data, &data) != nil {
		return ""
	}
	switch r.Type {
	case "journal.repaired":
		return "a crash had left its end incomplete: " + cut(data.Tear)
	case "journal.recovered":
		text := "it can be written again"
		if data.Failed != "" {
			text += ", which had failed: " + data.Failed
		}
		if data.Cut != nil {
			text += "; " + cut(*data.Cut)
		}
		return text
	}
	return ""
}

// cut says what was cut off the journal's end. Nothing of it had been acknowledged.
func cut(t journal.Tear) string {
	return fmt.Sprintf("cut off at %s:%d, where record %d would stand: %s that nobody had been told of", t.File, t.Line, t.Seq, count(int(t.Bytes), "byte", "bytes"))
}
