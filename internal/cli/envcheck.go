package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/config"
	"github.com/capakraken/fairlead/internal/envfile"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/lint"
	"github.com/capakraken/fairlead/internal/secret"
)

func (t *tool) env() *cobra.Command {
	c := &cobra.Command{
		Use:   "env COMMAND",
		Short: "Check an env file",
		Args:  subcommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return misused(c, "say what: fairlead env check FILE")
		},
	}
	c.AddCommand(t.envCheck())
	return c
}

// checking is what an env check is asked for.
type checking struct {
	file, app, config string
	fix               bool
}

// checkedEnv is what is told of an env file.
type checkedEnv struct {
	File      string          `json:"file"`
	Variables int             `json:"variables"` // that Fairlead reads
	Findings  []lint.Finding  `json:"findings"`
	Left      int             `json:"left"` // findings that are not listed
	Secrets   []fault.Problem `json:"secrets"`
	Errors    int             `json:"errors"`
	Warnings  int             `json:"warnings"`
	Fixed     int             `json:"fixed"` // lines that were rewritten
}

func (t *tool) envCheck() *cobra.Command {
	var k checking
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Find what other readers of an env file would see in another way, without the daemon",
		Long: "Find each place of an env file where another of its readers (Docker's --env-file, Compose, systemd, a shell, dotenv, Node,\n" +
			"@next/env, godotenv) would see another value than Fairlead, or run a part of it, and where Fairlead refuses it. A FILE of - is\n" +
			"standard input. No byte of a value is shown. Exit code 7 when there are findings, warnings included. With --fix, what is beyond\n" +
			"doubt is rewritten into the form that all read alike; otherwise nothing is changed.",
		Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			k.file = args[0]
			if k.app == "" && c.Flags().Changed("config") {
				return misused(c, "--config says where --app is configured; give both")
			}
			if k.fix && k.file == "-" {
				return misused(c, "--fix rewrites a file in its place; name one")
			}
			return t.checkEnv(k)
		},
	}
	c.Flags().StringVar(&k.app, "app", "", "hold the file, and how it is kept, against the secrets and the policy of this app")
	c.Flags().StringVar(&k.config, "config", defaultConfig, "the configuration, with --app")
	c.Flags().BoolVar(&k.fix, "fix", false, "rewrite what is beyond doubt")
	return c
}

func (t *tool) checkEnv(k checking) error {
	var app config.App
	if k.app != "" {
		var err error
		if app, err = configured(k.config, k.app); err != nil {
			return err
		}
	}
	content, fixed, err := t.envContent(k)
	if err != nil {
		return err
	}
	if content.IsEmpty() {
		return fault.New(fault.Unavailable, "%s: is empty", k.file)
	}
	report := lint.Check(content).Under(app.Lint)
	env, _ := envfile.Variables(k.file, content)
	told := checkedEnv{File: k.file, Variables: len(env), Findings: report.Findings, Left: report.Left(), Errors: report.Errors, Warnings: report.Warnings, Fixed: fixed}
	if k.app != "" {
		told.Secrets = heldAgainst(app, k.file, content)
		if k.file != "-" {
			told.Secrets = append(envfile.Kept(k.file, envfile.Policy{UID: os.Getuid(), GID: os.Getgid()}), told.Secrets...)
		}
		told.Errors += len(told.Secrets)
	}
	return t.tellEnv(told)
}

// envContent returns what is to be checked, and how many lines were rewritten before.
func (t *tool) envContent(k checking) (content secret.Value, fixed int, err error) {
	if k.fix {
		content, err = envfile.Rewrite(k.file, func(old secret.Value) secret.Value {
			var now secret.Value
			now, fixed = lint.Fix(old)
			return now
		})
		return content, fixed, err
	}
	from := t.In
	if k.file != "-" {
		// Opening a pipe to which nobody writes must not wait.
		f, err := os.OpenFile(k.file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return content, 0, unreadable(k.file, err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	content, err = lint.Read(from)
	if err != nil {
		return content, 0, unreadable(k.file, errors.Unwrap(err))
	}
	return content, 0, nil
}

// unreadable returns the fault of a file that cannot be read, with the kernel's reason and nothing else.
func unreadable(file string, err error) error {
	return fault.Hide(err, fault.Unavailable, "%s: cannot be read: %s", file, cause(err))
}

// tellEnv tells what was found, and ends the command by it.
func (t *tool) tellEnv(c checkedEnv) error {
	found := c.Errors + c.Warnings
	if t.json() {
		c.Findings = append([]lint.Finding{}, c.Findings...) // an empty list is [], not null
		c.Secrets = append([]fault.Problem{}, c.Secrets...)
		if err := t.encode(c); err != nil {
			return err
		}
	} else {
		for _, f := range c.Findings {
			t.say("%s:%d:%d %s: %s; %s (%s)", c.File, f.Line, f.Column, f.Rule, f.Text, f.Instead, f.Severity)
		}
		for _, p := range c.Secrets {
			t.say("%s", p)
		}
		if c.Left > 0 {
			t.say("%s: %s more", c.File, count(c.Left, "finding", "findings"))
		}
		if c.Fixed > 0 {
			t.say("%s: %s rewritten", c.File, count(c.Fixed, "line was", "lines were"))
		}
		if found == 0 {
			t.say("%s: ok, %s, and all readers see the same", c.File, count(c.Variables, "variable", "variables"))
		} else {
			t.say("%s: %s, %s", c.File, count(c.Errors, "error", "errors"), count(c.Warnings, "warning", "warnings"))
		}
	}
	if found > 0 {
		return toldFault(fault.Difference)
	}
	return nil
}

// heldAgainst holds an env file against the app's catalog. One that is not among the app's own stands for all of them.
func heldAgainst(app config.App, file string, content secret.Value) []fault.Problem {
	p := config.Provided{Whole: true}
	p.Env, p.Faulty = envfile.Variables(file, content)
	path, err := filepath.Abs(file)
	if err != nil || !slices.ContainsFunc(app.Env, func(s config.EnvSource) bool { return s.File == path }) {
		app.Env = []config.EnvSource{{File: file}}
		return app.Catalog(p)
	}
	for _, source := range app.Env {
		switch {
		case source.Kind() == config.EnvironmentSource:
			p.Faulty = append(p.Faulty, source.Environment...)
		case source.Kind() != config.FileSource:
			p.Whole = false // only the daemon can read it
		case source.File != path:
			names, ok := variablesIn(source.File)
			p.Faulty, p.Whole = append(p.Faulty, names...), p.Whole && ok // what another source has is not missing here
		}
	}
	return app.Catalog(p)
}
