package secret

// Source is where the running app says that it took a secret from. Anything that is not Environment never counts as
// environment.
type Source string

// The sources of the status contract. An app may say anything else.
const (
	Environment Source = "environment"
	Database    Source = "database"
	None        Source = "none"
)

// Verdict is how a legacy value in the database compares with the environment's value.
type Verdict string

// The verdicts on a legacy value.
const (
	Empty   Verdict = "empty"   // nothing is stored: there is no residue
	Same    Verdict = "same"    // residue that equals the environment's value
	Differs Verdict = "differs" // residue that is another value, or the environment has none
)

// Residue is what the database holds of one secret. It never holds the value.
type Residue struct {
	Secret  string  `json:"secret"`
	Column  string  `json:"column"`
	Verdict Verdict `json:"verdict"`
	// Cleared tells that this rollout cleared the value, and that a second connection saw it empty.
	Cleared bool `json:"cleared,omitempty"`
	// Kept says why residue was left in place.
	Kept string `json:"kept,omitempty"`
}
