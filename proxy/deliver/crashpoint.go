package deliver

// crashPoint is called at every border between two steps, with the name of what has
// just been done. It is where a process may die and nothing may be lost.
var crashPoint = func(name string) {}
