package cli

import (
	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (t *tool) rollouts() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "rollouts [APP]",
		Short: "List rollouts, the newest first",
		Args:  atMost("APP"),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 || limit > 1000 {
				return misused(c, "--limit takes a number from 1 to 1000")
			}
			app := ""
			if len(args) > 0 {
				app = args[0]
			}
			client := t.client()
			defer client.Close()
			list, err := client.Rollouts(c.Context(), app, limit)
			if err == nil && len(list) == 0 && app != "" {
				_, err = client.App(c.Context(), app) // an app that nobody knows has no rollouts either
			}
			if err != nil {
				return err
			}
			if t.json() {
				return t.encode(list)
			}
			if len(list) == 0 {
				t.say("there was no rollout yet")
				return nil
			}
			t.rolloutTable(list)
			return nil
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "how many")
	return c
}

func (t *tool) rolloutTable(list []api.Rollout) {
	rows := [][]string{{"ROLLOUT", "APP", "KIND", "IMAGE", "BY", "BEGUN", "TOOK", "OUTCOME", "REASON"}}
	for _, r := range list {
		duration := ""
		if !r.Ended.IsZero() {
			duration = took(r.Ended.Sub(r.Begun))
		}
		rows = append(rows, []string{r.ID, r.App, r.Kind, image(r), r.Request.Requester, t.moment(r.Begun), duration, outcome(r), r.Request.Reason})
	}
	t.table(rows)
}

// image returns the image that a rollout moved to, or was asked to move to.
func image(r api.Rollout) string {
	if r.Target.Image.Repository != "" {
		return r.Target.Image.String()
	}
	return r.Request.Image.String()
}

// outcome says in a word or two how a rollout ended, or where it stands.
func outcome(r api.Rollout) string {
	switch r.Outcome {
	case "":
		if r.Phase == rollout.Reverting {
			return "being turned back"
		}
		return running(r)
	case rollout.RolledBack:
		return "rolled back"
	case rollout.Succeeded:
		if n := len(r.Warnings); n > 0 {
			return "succeeded, " + count(n, "warning", "warnings")
		}
	case rollout.Refused, rollout.Halted:
	}
	return string(r.Outcome)
}
