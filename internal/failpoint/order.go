package failpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// anywhere is the point that stands for each of them.
const anywhere Point = "any"

// The deeds, as an order names them.
const (
	kill   = "kill"
	crash  = "panic"
	leave  = "exit"
	freeze = "stall"
)

// order says what is to happen at a point.
type order struct {
	at   Point
	nth  int // time that it is come by
	deed string
}

// parse reads orders such as "replace-created:2=kill,old-was-stopped=stall".
func parse(text string) ([]order, error) {
	var all []order
	for one := range strings.SplitSeq(text, ",") {
		place, deed, _ := strings.Cut(one, "=")
		name, times, counted := strings.Cut(place, ":")
		o := order{at: Point(name), nth: 1, deed: deed}
		if counted {
			n, err := strconv.Atoi(times)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q does not say the how manieth time", one)
			}
			o.nth = n
		}
		if o.at != anywhere && !slices.Contains(Points(), o.at) {
			return nil, fmt.Errorf("there is no point %q", name)
		}
		if !slices.Contains([]string{kill, crash, leave, freeze}, deed) {
			return nil, fmt.Errorf("%q does not say what to do: kill, panic, exit or stall", one)
		}
		all = append(all, o)
	}
	return all, nil
}
