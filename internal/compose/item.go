package compose

import (
	"slices"
	"strings"
)

// itemKind is what an item is.
type itemKind int

const (
	noItem itemKind = iota // there is nothing, or nothing that could be read
	scalarItem
	listItem
	mappingItem
)

// item is one place of a definition after its variables were replaced.
type item struct {
	position
	kind   itemKind
	raw    string // of a scalar, as it stands in the file
	text   string // of a scalar
	flag   bool   // of a scalar that is taken for true or false
	mode   int    // of a scalar that is taken for permission bits
	typed  scalar
	null   bool // a scalar without a value
	open   bool // it holds a variable whose value is not known
	list   []*item
	keys   []string // of a mapping, in the file's order
	fields map[string]*item
}

// get returns the item at a path of keys, or an item that is nothing.
func (it *item) get(keys ...string) *item {
	for _, key := range keys {
		next, ok := it.fields[key]
		if !ok {
			return &item{position: it.position.under("."+strings.Join(keys, "."), it.line)}
		}
		it = next
	}
	return it
}

// element returns where the i-th of n elements stands. compose-go drops doubles, and then only the list's own place is
// known.
func (it *item) element(i, n int) position {
	if len(it.list) == n {
		return it.list[i].position
	}
	return it.position
}

// set tells whether something stands at the item's place.
func (it *item) set() bool { return it.kind != noItem }

// take removes a key from a mapping and returns its item.
func (it *item) take(key string) *item {
	taken := it.get(key)
	delete(it.fields, key)
	it.keys = slices.DeleteFunc(it.keys, func(k string) bool { return k == key })
	return taken
}

// unsure tells whether a value somewhere in the item is not known, or could not be read.
func (it *item) unsure() bool {
	if it.open || it.kind == noItem {
		return true
	}
	return slices.ContainsFunc(it.list, (*item).unsure) ||
		slices.ContainsFunc(it.keys, func(k string) bool { return it.fields[k].unsure() })
}

// unsureKeys returns the keys of a mapping whose items are unsure.
func (it *item) unsureKeys() []string {
	return slices.DeleteFunc(slices.Clone(it.keys), func(k string) bool { return !it.fields[k].unsure() })
}

// plain returns the item in the form that compose-go takes; it is made anew each time, since compose-go changes it.
func (it *item) plain() any {
	switch it.kind {
	case scalarItem:
		switch {
		case it.null:
			return nil
		case it.typed == boolean:
			return it.flag
		case it.typed == permission:
			return it.mode
		}
		return it.text
	case listItem:
		out := make([]any, len(it.list))
		for i, e := range it.list {
			out[i] = e.plain()
		}
		return out
	case mappingItem:
		return it.plainMapping()
	}
	return nil
}

func (it *item) plainMapping() map[string]any {
	out := make(map[string]any, len(it.keys))
	for _, key := range it.keys {
		out[key] = it.fields[key].plain()
	}
	return out
}
