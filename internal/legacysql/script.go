package legacysql

import (
	"fmt"
	"strings"
)

// Grant returns the script that makes the function, and the role that may call it and do nothing else. It may be run again at
// any time, by the table's owner or a superuser; it sets no password.
func (t Table) Grant(role string) string {
	words := []string{"{role}", Quote(role), "{role literal}", literal(role), "{function}", Quote(t.Schema) + "." + Quote(t.Function), "{call}", t.call(),
		"{call literal}", literal(t.call()), "{signature}", Signature, "{body}", dollars(t.Body()), "{table}", t.relation(), "{table literal}", literal(t.relation()), "{schema}", Quote(t.Schema)}
	block := func(body string) string { return "DO " + dollars(strings.NewReplacer(words...).Replace(body)) + ";" }
	words = append(words, "{make role}", block(makeRole), "{give away}", block(giveAway), "{take back}", block(takeBack))
	return strings.NewReplacer(words...).Replace(grant)
}

const makeRole = ` BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {role literal}) THEN
		CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT CONNECTION LIMIT 8;
	END IF;
	EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', pg_catalog.current_database(), {role literal});
END `

const giveAway = ` BEGIN
	EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO %I', {call literal},
		(SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({table literal})));
END `

const takeBack = ` DECLARE one name; BEGIN
	FOR one IN SELECT DISTINCT r.rolname FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
		WHERE p.oid = pg_catalog.to_regprocedure({call literal}) AND a.grantee <> p.proowner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %I CASCADE', {call literal}, one);
	END LOOP;
END `

const grant = `BEGIN;

-- The role that Fairlead connects as. Give it a password of its own afterwards, such as with psql's \password.
{make role}

-- The function: it compares the legacy values with what it is told, and answers with empty, same or differs for each column.
-- It never returns a value. What it is told are salted hashes, so no value comes into a statement or a log either. It is
-- made anew, since one of its name that stood there before would keep what its maker has granted.
DROP FUNCTION IF EXISTS {call};
CREATE FUNCTION {function}({signature}) RETURNS text[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS {body};

-- It runs with the rights of the table's owner, and of nobody mightier.
{give away}

-- The role may call it, and nobody else may, whatever the default privileges say. The table itself stays closed to it.
REVOKE ALL ON FUNCTION {call} FROM PUBLIC;
{take back}
REVOKE ALL ON TABLE {table} FROM {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT EXECUTE ON FUNCTION {call} TO {role};

COMMIT;
`

// Constraint returns the script that keeps new secret values out of the legacy columns. It is for when they are empty: until
// then it would also refuse each update of the row that leaves them as they are.
func (t Table) Constraint() string {
	var empty []string
	for _, c := range t.Columns {
		empty = append(empty, fmt.Sprintf("COALESCE(%s::pg_catalog.text, '') = ''", Quote(c.Name)))
	}
	r := strings.NewReplacer("{table}", t.relation(), "{name}", Quote(t.Function+"_empty"), "{empty}", strings.Join(empty, "\n\t\tAND "))
	return r.Replace(constraint)
}

const constraint = `-- NOT VALID holds the table's lock for a moment only, and refuses new values from then on.
ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};
ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (
		{empty}) NOT VALID;

-- This one reads the whole table without keeping anybody from writing, and fails if a row still holds a value.
ALTER TABLE {table} VALIDATE CONSTRAINT {name};
`
