package draft

import "slices"

// databaseURL is the variable under which most apps keep the address of their database.
const databaseURL = "DATABASE_URL"

// hasLegacy tells whether the legacy block is written out, and not as a comment.
func (a App) hasLegacy() bool {
	secrets, _ := a.secrets()
	return slices.Contains(secrets, databaseURL) && len(secrets) > 1
}

// catalog writes the secrets, by name.
func (a App) catalog(p *paper) {
	p.line("")
	secrets, _ := a.secrets()
	p.remark(4, "The secrets, proposed by the names of the variables: take out what is none. CHANGE each name to the one by which the app's status reports it. A required secret must be set before anything is touched, and must come from the environment before a rollout succeeds.")
	if len(secrets) == 0 {
		p.line("    # secrets:")
		p.line("    #   - {name: primary-ai, env: AI_API_KEY, description: Primary AI API credential, required: true, min_length: 20}")
		return
	}
	p.line("    secrets:")
	columned := false
	for _, name := range secrets {
		p.line("      - name: %s # CHANGE", quoted(secretName(name)))
		p.line("        env: %s", quoted(name))
		p.line("        required: true # false where the app runs without it")
		switch {
		case name == databaseURL || !a.hasLegacy():
		case columned:
			p.line("        # legacy: {column: COLUMN}")
		default:
			columned = true
			p.line("        legacy: {column: CHANGE} # CHANGE: the column in which older versions kept it; take the line out where there was none")
		}
	}
}

// legacy writes where older versions kept the secrets.
func (a App) legacy(p *paper) {
	p.line("")
	p.remark(4, "Where older versions of the app kept the secrets: one row of one table. An app that never did needs neither this nor a column above.")
	comment := ""
	if !a.hasLegacy() {
		comment = "# "
	}
	p.line("    %slegacy:", comment)
	p.line("    %s  dsn: {env: %s}", comment, databaseURL)
	p.line("    %s  table: CHANGE # CHANGE: such as SystemSettings, in its own case", comment)
	p.line("    %s  row: {id: singleton} # CHANGE: the column, and the value that picks the row", comment)
}
