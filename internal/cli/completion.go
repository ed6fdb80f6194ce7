package cli

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/config"
)

// atTab is how long a shell waits for the daemon before it completes without it.
const atTab = 500 * time.Millisecond

// complete has every command below c complete the words of its usage: APP, ROLLOUT and the flags that name something of
// the daemon's. What it does not know it leaves to the shell, which knows files.
func (t *tool) complete(c *cobra.Command) {
	for _, below := range c.Commands() {
		t.complete(below)
	}
	if c.ValidArgsFunction != nil || !c.Runnable() {
		return
	}
	for word := range strings.FieldsSeq(c.Use) {
		switch word {
		case "APP", "[APP]":
			c.ValidArgsFunction = first(t.appNames)
		case "ROLLOUT":
			c.ValidArgsFunction = first(t.rolloutIDs)
		}
	}
	if c.Flags().Lookup("to") != nil {
		_ = c.RegisterFlagCompletionFunc("to", t.releaseIDs) // fails only for a flag that is not there
	}
}

// first completes the first argument, and no other.
func first(names func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective)) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(c, args, begun)
	}
}

// appNames returns the apps that the daemon knows, or, where it does not answer at once, those of the installed
// configuration, as far as it can be read.
func (t *tool) appNames(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	err := t.glance(c, func(ctx context.Context, client *api.Client) error {
		apps, err := client.Apps(ctx)
		for _, a := range apps {
			names = append(names, cobra.CompletionWithDesc(a.Name, a.Environment))
		}
		return err
	})
	if err != nil {
		cfg, _ := config.Load(defaultConfig) // a fault elsewhere in it is told when somebody asks for it
		for _, name := range slices.Sorted(maps.Keys(cfg.Apps)) {
			names = append(names, cobra.CompletionWithDesc(name, cfg.Apps[name].Environment))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// rolloutIDs returns the newest rollouts, the newest first. "cancel" is told only of those that have not ended.
func (t *tool) rolloutIDs(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []cobra.Completion
	_ = t.glance(c, func(ctx context.Context, client *api.Client) error { // nobody else knows them
		list, err := client.Rollouts(ctx, "", 30)
		for _, r := range list {
			if c.Name() != "cancel" || r.Outcome == "" {
				ids = append(ids, cobra.CompletionWithDesc(r.ID, r.App+": "+string(r.Kind)+", "+outcome(r)))
			}
		}
		return err
	})
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// releaseIDs returns the releases that the app can go back to.
func (t *tool) releaseIDs(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []cobra.Completion
	if len(args) > 0 {
		_ = t.glance(c, func(ctx context.Context, client *api.Client) error { // nobody else knows them
			app, err := client.App(ctx, args[0])
			for _, target := range app.Targets {
				ids = append(ids, cobra.CompletionWithDesc(target.Release.ID, target.Release.Image.String()))
			}
			return err
		})
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// glance asks the daemon something that a shell waits for.
func (t *tool) glance(c *cobra.Command, ask func(context.Context, *api.Client) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(contextOf(c)), atTab)
	defer cancel()
	client := api.NewClient(t.socket)
	defer client.Close()
	return ask(ctx, client)
}

func contextOf(c *cobra.Command) context.Context {
	if ctx := c.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
