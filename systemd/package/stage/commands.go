package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/capakraken/fairlead/internal/cli"
	"github.com/capakraken/fairlead/internal/daemon"
)

// commands adds what is made of the commands: a manual page for each, and the completions.
func commands(parts map[string][]byte, version string, now time.Time) error {
	root, err := cli.New(cli.Options{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Version: version, Daemon: daemon.Command(version)})
	if err != nil {
		return err
	}
	root.DisableAutoGenTag = true
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	if err := manual(parts, root, version, now); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{
		"usr/share/bash-completion/completions/fairlead":    func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"usr/share/zsh/vendor-completions/_fairlead":        root.GenZshCompletion,
		"usr/share/fish/vendor_completions.d/fairlead.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		parts[name] = text.Bytes()
	}
	return nil
}

// manual adds the page of a command and of those below it.
func manual(parts map[string][]byte, c *cobra.Command, version string, now time.Time) error {
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() || below.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := manual(parts, below, version, now); err != nil {
			return err
		}
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	var page bytes.Buffer
	header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Date: &now, Source: "Fairlead " + version, Manual: "Fairlead"}
	if err := doc.GenMan(c, header, &page); err != nil {
		return fmt.Errorf("make the manual page of %s: %w", name, err)
	}
	small, err := compressed(page.Bytes())
	parts["usr/share/man/man1/"+name+".1.gz"] = small
	return err
}
