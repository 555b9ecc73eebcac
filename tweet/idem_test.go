package tweet_test
import ("testing";"unicode";"birdwatch/tweet")
func TestIdem(t *testing.T){ var f tweet.Folder
 for r:=rune(0);r<=unicode.MaxRune;r++{ if r>=0xD800&&r<0xE000{continue}
  s:=string(r); a:=f.FoldFull(s); if b:=f.FoldFull(a); a!=b { t.Errorf("%+q %+q %+q",s,a,b)}
  if u:=f.FoldFull(string(unicode.ToUpper(r))); u!=a && r!='ı' {t.Errorf("upper of %+q (%+q): %+q %+q",s, string(unicode.ToUpper(r)),a,u)}
 }}
