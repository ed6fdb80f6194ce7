package daemon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap/zapcore"
)

// journald is the log of a daemon that systemd has started: each entry goes to the journal with its priority and its
// fields, so that journalctl FAIRLEAD_APP=shop finds what there is of an app. What the journal does not take goes to
// otherwise.
type journald struct {
	zapcore.LevelEnabler
	otherwise zapcore.Core
	fields    []zapcore.Field
	send      func(message string, priority journal.Priority, vars map[string]string) error
}

// toJournal returns the core that logs to systemd's journal if standard error is a stream to it, and plain otherwise.
func toJournal(plain zapcore.Core) zapcore.Core {
	if ours, err := journal.StderrIsJournalStream(); err != nil || !ours {
		return plain
	}
	return journald{LevelEnabler: plain, otherwise: plain, send: journal.Send}
}

// With returns a core that adds the fields to every entry.
func (j journald) With(fields []zapcore.Field) zapcore.Core {
	j.fields = slices.Concat(j.fields, fields)
	j.otherwise = j.otherwise.With(fields)
	return j
}

// Check adds the core to an entry that it logs.
func (j journald) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if j.Enabled(e.Level) {
		return c.AddCore(e, j)
	}
	return c
}

// Sync has nothing to do: every entry is sent at once.
func (j journald) Sync() error { return nil }

// Write sends one entry.
func (j journald) Write(e zapcore.Entry, fields []zapcore.Field) error {
	all := zapcore.NewMapObjectEncoder()
	var order []string
	for _, f := range slices.Concat(j.fields, fields) {
		f.AddTo(all)
		if !slices.Contains(order, f.Key) {
			order = append(order, f.Key)
		}
	}
	vars := map[string]string{"SYSLOG_IDENTIFIER": "fairlead"}
	if e.LoggerName != "" {
		vars["FAIRLEAD_LOGGER"] = e.LoggerName
	}
	text := e.Message
	for _, key := range order {
		v, ok := all.Fields[key]
		if !ok {
			continue
		}
		value := words(v)
		vars[fieldName(key)] = value
		if value != "" && !strings.ContainsRune(value, '\n') {
			text += " " + key + "=" + value
		}
	}
	if err := j.send(text, priority(e.Level), vars); err != nil {
		return j.otherwise.Write(e, fields)
	}
	return nil
}

// words returns a field's value as text.
func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case fmt.Stringer:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// fieldName returns what a field is called in the journal, whose names are of letters, digits and _.
func fieldName(key string) string {
	return "FAIRLEAD_" + strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(key))
}

func priority(l zapcore.Level) journal.Priority {
	switch {
	case l >= zapcore.DPanicLevel:
		return journal.PriCrit
	case l >= zapcore.ErrorLevel:
		return journal.PriErr
	case l >= zapcore.WarnLevel:
		return journal.PriWarning
	case l >= zapcore.InfoLevel:
		return journal.PriInfo
	}
	return journal.PriDebug
}
