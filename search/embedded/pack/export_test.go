package pack

// Plain gives a half's bytes before they are compressed, for the dictionary and the tests that look for traces.
func Plain(half []byte) ([]byte, error) { return decoder().DecodeAll(half, nil) }

// Squeeze compresses what Plain gave, or anything else.
func Squeeze(plain []byte) []byte { return squeeze(plain) }
