package lint_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/lint"
)

// endless yields one byte again and again.
type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

// TestBounds gives the linter what is much too long. What it takes must not depend on how much more there would be.
func TestBounds(t *testing.T) {
	million := func(line func(i int) string) string {
		var b strings.Builder
		for i := range 1_000_000 {
			b.WriteString(line(i))
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		from io.Reader
		want string // the rules of its findings
	}{
		"a line of a gigabyte":     {io.LimitReader(endless('x'), 1<<30), "E23"},
		"a line without an end":    {endless('x'), "E23"},
		"lines without an end":     {endless('\n'), "E23"},
		"blanks without an end":    {endless(' '), "E23"},
		"NUL without an end":       {endless(0), "E23"},
		"a million of variables":   {strings.NewReader(million(func(i int) string { return fmt.Sprintf("A%d=x\n", i) })), "E23"},
		"a million of faults":      {strings.NewReader(million(func(int) string { return "x\n" })), "E09 E23"},
		"a million of open quotes": {strings.NewReader(million(func(i int) string { return fmt.Sprintf("A%d='\n", i) })), "E07 E23"},
		"a million of PEM blocks":  {strings.NewReader(million(func(i int) string { return fmt.Sprintf("A%d=-----BEGIN\n", i) })), "E07 E23"},
		"a million of quotes":      {strings.NewReader(million(func(int) string { return "'\"" })), "E23"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			content, err := lint.Read(tt.from)
			if err != nil {
				t.Fatal(err)
			}
			r := lint.Check(content)
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			if len(r.Findings) > lint.MaxFindings || strings.Join(broken(r), " ") != tt.want {
				t.Errorf("%d findings, of %v", len(r.Findings), broken(r))
			}
			t.Logf("%v, %d MB allocated in all", took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
			if took > 10*time.Second { // far more than the second it may take, for a machine that has other things to do
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestLongLine looks beyond a line that is too long.
func TestLongLine(t *testing.T) {
	for length, want := range map[int]string{65535: "E04", 65536: "E04 E16"} {
		text := "A=" + strings.Repeat("x", length-2) + "\nB=$x\n"
		if got := strings.Join(broken(check(text)), " "); got != want {
			t.Errorf("%d bytes: %s, want %s", length, got, want)
		}
	}
}
