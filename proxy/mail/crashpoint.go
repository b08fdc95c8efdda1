package mail

// crashPoint is called between any two steps, with the name of the step just done. A process may
// die there.
var crashPoint = func(name string) {}
