package pack

// Plain gives a half's bytes before they are compressed, for the dictionary and the tests that look for traces.
func Plain(half []byte) ([]byte, error) { return decoder().DecodeAll(half, nil) }

// Compressed is what Plain gave, or anything else, as a half.
func Compressed(plain []byte) []byte { return squeeze(plain, encoders) }
