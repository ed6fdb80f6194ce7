package config

import "strings"

// maxIdentifier is PostgreSQL's limit on a name, in bytes; it cuts a longer one silently.
const maxIdentifier = 63

// readLegacy reads where the database may still hold secrets.
func readLegacy(f field) *Legacy {
	if !f.set() {
		return nil
	}
	m := f.only("dsn", "schema", "table", "row", "function")
	return &Legacy{
		DSN:      readDSN(m.need("dsn", "write {env: DATABASE_URL}, or {file: /etc/…} for one that is kept in a file")),
		Schema:   m.get("schema").identifier(),
		Table:    m.need("table", "name the table, in its own case").identifier(),
		Function: m.get("function").identifier(),
		Row:      readRow(m.need("row", "pick the row by a column's value, such as {id: singleton}")),
	}
}

// readDSN reads where the address is kept. One that is written out is not quoted: it holds a password.
func readDSN(f field) DSN {
	if f.isText() {
		f.bad("is written out here, and holds a password", "keep it in the env file and write {env: DATABASE_URL}, or in a file of its own and write {file: /etc/…}")
		return DSN{}
	}
	m := f.only("env", "file", "credential")
	places := 0
	for _, key := range []string{"env", "file", "credential"} {
		if m.has(key) {
			places++
		}
	}
	if f.set() && places != 1 {
		f.bad("must name one place", "write either {env: DATABASE_URL}, {file: /etc/…} or {credential: NAME}")
		return DSN{}
	}
	return DSN{Env: m.get("env").variable(), File: m.get("file").absolute(), Credential: m.get("credential").credential()}
}

func readRow(f field) Row {
	m := f.mapping()
	if f.set() && len(m.keys) != 1 {
		f.bad("must have exactly one column", "write it with its value, such as {id: singleton}")
		return Row{}
	}
	for column, value := range m.all {
		m.get(column).checkIdentifier(column)
		return Row{Column: column, Value: value.text()}
	}
	return Row{}
}

// identifier returns a name in the database, in its own case and without quotes.
func (f field) identifier() string {
	s := f.text()
	f.checkIdentifier(s)
	return s
}

func (f field) checkIdentifier(s string) {
	if len(s) > maxIdentifier || strings.ContainsAny(s, "\x00\"") {
		f.bad("is not a name in PostgreSQL", "write it in its own case, without quotes, 63 bytes at most")
	}
}
