// Package legacysql writes the SQL with which a database's administrator lets Fairlead look for legacy values and clear them
// without being able to read them: a function that runs with its owner's rights, compares inside of the database, and answers
// with words only, and a role that may do nothing but call it. It is pure: the same table gives the same text, so that whoever
// uses the function can tell whether it is still the one that was meant.
package legacysql

import (
	"fmt"
	"strings"
)

// Table is where the legacy values are, and the function that looks at them.
type Table struct {
	Schema, Name string
	RowColumn    string // picks the row
	RowValue     string
	Columns      []Column
	Function     string // in the same schema
}

// Column holds one secret's legacy value.
type Column struct {
	Name      string
	Differing bool // a value that is not the environment's may be cleared as well
}

// DefaultFunction and DefaultRole are what the function and the role are called where nobody says.
const (
	DefaultFunction = "fairlead_legacy"
	DefaultRole     = "fairlead"
)

// Signature is what the function takes, and SearchPath what its names are looked up in, both as PostgreSQL writes them.
const (
	Signature  = "action text, nonce bytea, digests bytea[], chosen text[]"
	SearchPath = "search_path=pg_catalog, pg_temp"
)

// What the function is asked to do.
const (
	Inspect = "inspect" // compare
	Lock    = "lock"    // compare, and hold the row until the transaction ends
	Clear   = "clear"   // clear the chosen columns, and compare again
	Analyze = "analyze" // have the planner's statistics forget
)

// The SQLSTATEs with which the function refuses.
const (
	NoRow      = "FL001"
	ManyRows   = "FL002"
	RowsHidden = "FL003"
	Misused    = "FL004"
	Forbidden  = "FL005" // a column may not be cleared with the value that it has
	NotOneRow  = "FL006" // the update changed none, or more than one
	NotEmpty   = "FL007" // a value stands there after it was cleared
	Others     = "FL008" // a value that was to be left alone is another one
)

// Body returns the function's source text, as PostgreSQL keeps it.
func (t Table) Body() string {
	var names, differing, values []string
	for _, c := range t.Columns {
		names = append(names, literal(c.Name))
		differing = append(differing, fmt.Sprint(c.Differing))
		values = append(values, "t."+Quote(c.Name)+`::text COLLATE "C"`)
	}
	query := "SELECT ARRAY[" + strings.Join(values, ", ") + "]::text[] FROM " + t.relation() + " t" + t.where()
	update := "UPDATE " + t.relation() + " t SET "
	r := strings.NewReplacer("{names}", strings.Join(names, ", "), "{differing}", strings.Join(differing, ", "), "{query}", literal(query+" LIMIT 2"),
		"{update}", literal(update), "{where}", literal(t.where()), "{regclass}", literal(t.relation()), "{table}", t.relation())
	return r.Replace(body)
}

// body is the function. It raises errors of its own codes, and never with a value. What is put together for EXECUTE is made of
// constants alone.
const body = `
DECLARE
	names CONSTANT text[] := ARRAY[{names}];
	differing CONSTANT boolean[] := ARRAY[{differing}]; -- which may be cleared with another value than the environment's
	query CONSTANT text := {query};
	stored text[];
	later text[];
	verdicts text[];
	again text[];
	hit text[];
	sets text[] := ARRAY[]::text[];
	found integer := 0;
	changed bigint;
BEGIN
	IF row_security_active(to_regclass({regclass})) THEN
		RAISE EXCEPTION USING ERRCODE = 'FL003', MESSAGE = 'row-level security applies to the owner of this function';
	END IF;
	IF action = 'analyze' THEN
		ANALYZE {table};
		RETURN ARRAY[]::text[];
	END IF;
	IF action IS NULL OR NOT action = ANY (ARRAY['inspect', 'lock', 'clear']) OR octet_length(nonce) IS DISTINCT FROM 32
		OR cardinality(digests) IS DISTINCT FROM cardinality(names) OR chosen IS NULL OR NOT chosen <@ names THEN
		RAISE EXCEPTION USING ERRCODE = 'FL004', MESSAGE = 'this function was called wrongly';
	END IF;
	FOR hit IN EXECUTE query || CASE action WHEN 'inspect' THEN '' ELSE ' FOR UPDATE' END LOOP
		found := found + 1;
		stored := hit;
	END LOOP;
	IF found = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'FL001', MESSAGE = 'there is no such row';
	ELSIF found > 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'FL002', MESSAGE = 'there is more than one such row';
	END IF;
	verdicts := ARRAY(SELECT CASE WHEN coalesce(stored[i], '') = '' THEN 'empty'
		WHEN sha256(nonce || convert_to(stored[i], 'UTF8')) = digests[i] THEN 'same' ELSE 'differs' END
		FROM generate_subscripts(names, 1) i ORDER BY i);
	IF action <> 'clear' OR cardinality(chosen) = 0 THEN
		RETURN verdicts;
	END IF;
	FOR i IN 1 .. cardinality(names) LOOP
		CONTINUE WHEN NOT names[i] = ANY (chosen) OR verdicts[i] = 'empty';
		IF verdicts[i] = 'differs' AND (digests[i] IS NULL OR NOT differing[i]) THEN
			RAISE EXCEPTION USING ERRCODE = 'FL005', MESSAGE = 'a value that differs may not be cleared';
		END IF;
		sets := array_append(sets, quote_ident(names[i]) || CASE WHEN (SELECT a.attnotnull FROM pg_attribute a
			WHERE a.attrelid = to_regclass({regclass}) AND a.attname::text = names[i]) THEN ' = ''''' ELSE ' = NULL' END);
	END LOOP;
	IF cardinality(sets) > 0 THEN
		EXECUTE {update} || array_to_string(sets, ', ') || {where};
		GET DIAGNOSTICS changed = ROW_COUNT;
		IF changed <> 1 THEN
			RAISE EXCEPTION USING ERRCODE = 'FL006', MESSAGE = 'the update changed another number of rows than one';
		END IF;
		SET CONSTRAINTS ALL IMMEDIATE;
	END IF;
	found := 0;
	FOR hit IN EXECUTE query LOOP
		found := found + 1;
		later := hit;
	END LOOP;
	IF found <> 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'FL006', MESSAGE = 'the row is not one row any more';
	END IF;
	again := verdicts;
	FOR i IN 1 .. cardinality(names) LOOP
		IF NOT names[i] = ANY (chosen) THEN
			IF later[i] IS DISTINCT FROM stored[i] THEN
				RAISE EXCEPTION USING ERRCODE = 'FL008', MESSAGE = 'a value that was to be left alone has changed';
			END IF;
		ELSIF coalesce(later[i], '') <> '' THEN
			RAISE EXCEPTION USING ERRCODE = 'FL007', MESSAGE = 'a value stands there after it was cleared';
		ELSE
			again[i] := 'empty';
		END IF;
	END LOOP;
	RETURN again;
END
`

// relation returns the table's full name, quoted.
func (t Table) relation() string { return Quote(t.Schema) + "." + Quote(t.Name) }

// where picks the row, byte by byte whatever its column's collation takes for equal.
func (t Table) where() string {
	return " WHERE t." + Quote(t.RowColumn) + `::text COLLATE "C" = ` + literal(t.RowValue)
}

// call returns the function's full name, quoted, with what it takes.
func (t Table) call() string {
	return Quote(t.Schema) + "." + Quote(t.Function) + "(text, bytea, bytea[], text[])"
}

// Quote returns a name as PostgreSQL reads it, whatever it holds.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal returns a text as PostgreSQL reads it, whatever its settings.
func literal(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if strings.Contains(s, `\`) {
		return "E'" + strings.ReplaceAll(s, `\`, `\\`) + "'"
	}
	return "'" + s + "'"
}

// dollars returns text between marks that do not stand in it.
func dollars(text string) string {
	mark := "$fairlead$"
	for i := 1; strings.Contains(text, mark); i++ {
		mark = fmt.Sprintf("$fairlead%d$", i)
	}
	return mark + text + mark
}
