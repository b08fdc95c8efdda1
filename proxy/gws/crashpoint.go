package gws

// crashPoint is replaced in tests, to end a try there.
var crashPoint = func(string) {}
