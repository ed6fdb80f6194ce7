package daemon

import (
	"bytes"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestJournalFields(t *testing.T) {
	var message string
	var level journal.Priority
	var vars map[string]string
	var refuses error
	var plain bytes.Buffer
	otherwise := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&plain), zapcore.InfoLevel)
	log := zap.New(journald{LevelEnabler: zapcore.InfoLevel, otherwise: otherwise, send: func(m string, p journal.Priority, v map[string]string) error {
		message, level, vars = m, p, v
		return refuses
	}})

	log.With(zap.String("app", "shop"), zap.String("rollout", "01")).Named("http").Warn("action failed",
		zap.String("step", "verify"), zap.Duration("took", 2*time.Second), zap.Strings("more", []string{"a"}), zap.String("stack", "a\nb"), zap.String("odd.näme", ""))
	if message != "action failed app=shop rollout=01 step=verify took=2s more=[\"a\"]" || level != journal.PriWarning {
		t.Errorf("the message is %q, of priority %d", message, level)
	}
	want := map[string]string{"SYSLOG_IDENTIFIER": "fairlead", "FAIRLEAD_LOGGER": "http", "FAIRLEAD_APP": "shop", "FAIRLEAD_ROLLOUT": "01", "FAIRLEAD_STEP": "verify",
		"FAIRLEAD_TOOK": "2s", "FAIRLEAD_MORE": `["a"]`, "FAIRLEAD_STACK": "a\nb", "FAIRLEAD_ODD_N_ME": ""}
	if !maps.Equal(vars, want) {
		t.Errorf("the fields are %q", vars)
	}
	for at, want := range map[zapcore.Level]journal.Priority{zap.InfoLevel: journal.PriInfo, zap.ErrorLevel: journal.PriErr, zap.DPanicLevel: journal.PriCrit} {
		if log.Check(at, "x").Write(); level != want {
			t.Errorf("%s has priority %d", at, level)
		}
	}
	message = ""
	if log.Debug("too fine"); message != "" {
		t.Error("what is too fine is logged")
	}
	if plain.Len() > 0 {
		t.Errorf("it is logged twice: %s", plain.String())
	}
	refuses = errors.New("no journal")
	log.With(zap.String("app", "shop")).Info("kept")
	if got := plain.String(); !bytes.Contains([]byte(got), []byte(`"msg":"kept","app":"shop"`)) {
		t.Errorf("what the journal does not take is lost: %q", got)
	}
}

// Where standard error is no stream to the journal, it is written to as ever.
func TestNoJournal(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "1:1")
	plain := zapcore.NewNopCore()
	if toJournal(plain) != plain {
		t.Error("it logs to a journal that systemd has not connected it with")
	}
}
