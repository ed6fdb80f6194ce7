package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/journal"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) auditLog() *cobra.Command {
	var x api.Excerpt
	var since string
	c := &cobra.Command{
		Use:   "log",
		Short: "Print records of the journal: who did what, when, and what came of it",
		Long: "Print records of the journal, the oldest first: who did what, when, and what came of it.\n" +
			"With --output json, the journal's exact lines.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if x.Since, err = t.moments(c, since); err != nil {
				return err
			}
			client := t.client()
			defer client.Close()
			for line, err := range client.Audit(c.Context(), x) {
				if err == nil {
					err = t.record(line)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&x.App, "app", "", "only of this app")
	c.Flags().StringVar(&x.Rollout, "rollout", "", "only of this rollout")
	c.Flags().StringVar(&since, "since", "", "only since a time (2026-03-30T12:00:00Z) or for a while (2h)")
	c.Flags().Uint64Var(&x.From, "from", 0, "begin with this sequence number; --limit then counts from there")
	c.Flags().Uint64Var(&x.Limit, "limit", 100, "at most so many, the newest ones; 0 for all")
	return c
}

// moments reads a time, or how long ago it was.
func (t *tool) moments(c *cobra.Command, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return t.Now().Add(-d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, misused(c, fmt.Sprintf("--since is %q, where a time (2026-03-30T12:00:00Z) or a duration (2h) belongs", text))
	}
	return at, nil
}

// record prints one line of the journal.
func (t *tool) record(line []byte) error {
	if t.json() {
		_, err := t.Out.Write(append(bytes.Clone(line), '\n'))
		return written(err)
	}
	var r journal.Record
	if err := json.Unmarshal(line, &r); err != nil {
		return fault.Hide(err, fault.Internal, "the daemon sent a record that this command does not understand: are both of one version?")
	}
	fields := []string{r.Time.UTC().Format("2006-01-02T15:04:05.000Z"), fmt.Sprintf("%6d", r.Seq), fmt.Sprintf("%-10s", r.Actor.User),
		fmt.Sprintf("%-12s", orDash(r.App)), fmt.Sprintf("%-26s", orDash(r.Rollout)), fmt.Sprintf("%-17s", r.Type),
		fmt.Sprintf("%-8s", orDash(r.Step)), flat(gist(r))}
	t.say("%s", strings.TrimRight(strings.Join(fields, " "), " "))
	return nil
}

// gist says in a few words what a record holds.
func gist(r journal.Record) string {
	switch {
	case len(r.Data) == 0:
		return ""
	case strings.HasPrefix(r.Type, "rollout.") || strings.HasPrefix(r.Type, "action."):
		var e rollout.Event
		if err := json.Unmarshal(r.Data, &e); err == nil {
			return eventGist(e)
		}
	}
	if text := cmp.Or(occurrence(r), mended(r)); text != "" {
		return text
	}
	var data map[string]any
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return ""
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		out = append(out, fmt.Sprintf("%s=%v", key, data[key]))
	}
	if data["rekeyed"] == true {
		out = append(out, "(the host's key is another than before: since when secrets are as they are is not known any more)")
	}
	return strings.Join(out, " ")
}

// occurrence says what befell an app, for the records that hold what was found on the host.
func occurrence(r journal.Record) string {
	var data struct {
		Reason   string
		Observed *rollout.Observed
	}
	if json.Unmarshal(r.Data, &data) != nil || data.Observed == nil {
		return ""
	}
	o := data.Observed
	found := "no release is current"
	if o.Current != nil {
		found = fmt.Sprintf("release %s (%s) is current", o.Current.ID, o.Current.Image)
	}
	if r.Type == "app.lost" {
		found = "locked"
	}
	var containers []string
	for _, c := range o.Containers {
		containers = append(containers, shown(c))
	}
	parts := append([]string{data.Reason, found}, containers...)
	return strings.Join(append(parts, o.Doubts...), "; ")
}

func eventGist(e rollout.Event) string {
	switch {
	case e.Request != nil:
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Request.Kind, e.Request.Image, e.Request.Reason))
	case e.Outcome != "":
		if e.Failure != nil {
			return string(e.Outcome) + ": " + inLine(e.Failure)
		}
		return string(e.Outcome)
	case e.Failure != nil:
		return action(e.Action) + ": " + inLine(e.Failure)
	case e.Action != nil:
		return action(e.Action)
	}
	return e.Reason
}

// action names an action and its service.
func action(a *rollout.Action) string {
	if a == nil {
		return ""
	}
	if a.Hook > 0 {
		return fmt.Sprintf("%s %d, %s", a.Verb, a.Hook, a.Step)
	}
	return strings.TrimSpace(string(a.Verb) + " " + a.Service)
}
