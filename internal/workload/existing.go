package workload

// Existing is a container that somebody else made, as a service definition would have it. It holds no secret: of its
// environment there are only the names.
type Existing struct {
	Service   Service // called as Compose calls it, or after the container; what is the image's own is left out
	Image     Image
	Project   string   // the Compose project that it is of
	Variables []string // those that its creator set, sorted
	Exposed   []uint16 // TCP ports of the image and the container, in order
	Health    bool     // the Engine checks it
	Anonymous []string // volumes among its mounts that have no name of their own
	Withheld  []string // places of the definition whose text held a secret, and which must be filled in
	Beyond    []string // settings that a service definition cannot express, by the names that Compose gives them
}
