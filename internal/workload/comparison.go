package workload

// Comparison is what a service's new container would not have, or have less strictly, than the one it replaces. It holds
// names and limits, never a value of an environment or a label.
type Comparison struct {
	Lost    []Difference // mounts and networks that would vanish: data or a connection that the app relies on
	Weaker  []Difference // hardening that would be weaker
	Changed []Difference // what is different otherwise
	Carried []Mount      // anonymous volumes that the new container takes over
}

// Difference is one field of a container in which the new one differs from the old one.
type Difference struct {
	Field string `json:"field"` // as the Engine's inspection calls it, such as HostConfig.CapDrop
	What  string `json:"what"`  // in words, such as "loses ALL"
}
