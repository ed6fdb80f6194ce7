package engine

import (
	"fmt"
	"slices"
	"strings"
)

// The words in which a comparison says what is different.

func differs(was, is string) string {
	if was == is {
		return ""
	}
	return fmt.Sprintf("has %q, where it was %q", is, was)
}

func unlike(same bool) string {
	if same {
		return ""
	}
	return "has another"
}

// loses names what was there and is not any more.
func loses(was, is []string) string {
	gone := slices.DeleteFunc(slices.Clone(was), func(s string) bool { return slices.Contains(is, s) })
	if len(gone) == 0 {
		return ""
	}
	slices.Sort(gone)
	return "loses " + strings.Join(gone, ", ")
}

// gains names what was not there.
func gains(was, is []string) string {
	if fresh := strings.TrimPrefix(loses(is, was), "loses "); fresh != "" {
		return "gains " + fresh
	}
	return ""
}

// joins tells whether a namespace of its own becomes the host's or another container's.
func joins(was, is string) string {
	outside := func(mode string) bool {
		return mode == "host" || strings.HasPrefix(mode, "container:") || mode == "shareable"
	}
	if outside(is) && !outside(was) {
		return "shares the one of " + is
	}
	return ""
}
