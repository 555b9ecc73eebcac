package embedded_test
import ("testing";"os";"context";"birdwatch/search/embedded")
func BenchmarkMk(b *testing.B) {
	p := os.Getenv("MKARCH")
	if p == "" { b.Skip() }
	a, err := embedded.Open(context.Background(), p, embedded.Options{})
	if err != nil { b.Fatal(err) }
	importMade(b, a, newMaker(), benchSize())
	a.Close()
}
