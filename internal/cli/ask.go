package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

// ask puts a question on standard error and returns the answer in lower case. When ctx ends it returns at once; the
// goroutine that reads standard input then ends with the process, since a read of a terminal cannot be taken back.
func (t *tool) ask(ctx context.Context, question string) (string, error) {
	_, _ = fmt.Fprint(t.Err, question)
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(t.In).ReadString('\n') // no answer is no consent
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answers:
		return answer, nil
	case <-ctx.Done():
		_, _ = fmt.Fprintln(t.Err)
		return "", fault.Hide(ctx.Err(), fault.Refused, "interrupted: nothing was changed")
	}
}
