package clamd

// What the tests wrap and judge as the package itself does.
var (
	EICAR     = eicar
	Encrypted = encrypted
	Nested    = nested
	Padded    = padded
	Parse     = parse
)
