package secret

// Survey is what a legacy database was found to be.
type Survey struct {
	Identity Identity `json:"identity"`
	// Hazards are what may keep copies of a value that is cleared.
	Hazards []Hazard `json:"hazards,omitempty"`
}

// Identity tells one legacy table from another behind the same address. A part that the database's user may not ask for
// is empty.
type Identity struct {
	System   string `json:"system,omitempty"`   // of the server's data, from the day that it was made; its copies have the same
	Timeline string `json:"timeline,omitempty"` // which is another after a restore and after a standby took over
	Database string `json:"database,omitempty"`
	Table    string `json:"table,omitempty"`
	Columns  string `json:"columns,omitempty"` // where in the table the legacy columns are
}

// Hazard is one thing that may keep a copy of a legacy value, or has one, after the value is cleared.
type Hazard struct {
	Kind string `json:"kind"`
	Text string `json:"text"` // for the operator
}

// Statistics is the kind of hazard that the database itself forgets when it is told to analyze the table.
const Statistics = "statistics"
