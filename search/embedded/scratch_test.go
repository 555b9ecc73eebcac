package embedded

import (
	"testing"
	"os"
	"time"
	"database/sql"
	"context"
)

func TestScratch(t *testing.T) {
	p := os.Getenv("SCRATCH")
	if p == "" { t.Skip() }
	db, err := openDB(p, 0, true)
	if err != nil { t.Fatal(err) }
	for _, s := range []string{
		`SELECT count(*) FROM terms WHERE terms MATCH '"w0"'`,
		`SELECT count(*) FROM terms WHERE terms MATCH '"w0"' AND rowid BETWEEN 1 AND 9000000000000000000`,
		`SELECT rowid FROM terms WHERE terms MATCH '"w0"'`,
		`SELECT rowid FROM terms WHERE terms MATCH '"w0"' ORDER BY rowid DESC`,
		`WITH m(id) AS MATERIALIZED (SELECT rowid FROM terms WHERE terms MATCH '"w0"' ORDER BY rowid DESC LIMIT 1000000) SELECT id FROM m`,
		`WITH m(id) AS (SELECT rowid FROM terms WHERE terms MATCH '"w0"' ORDER BY rowid DESC LIMIT 1000000) SELECT id FROM m`,
		`SELECT group_concat(id) FROM (SELECT rowid AS id FROM terms WHERE terms MATCH '"w0"' ORDER BY rowid DESC LIMIT 1000000)`,
		`SELECT terms.rowid, d.created_at FROM terms CROSS JOIN docs d ON d.id = terms.rowid WHERE terms MATCH '"w0"'`,
		`SELECT sum(d.created_at) FROM terms CROSS JOIN docs d ON d.id = terms.rowid WHERE terms MATCH '"w0"'`,
		`SELECT count(*) FROM docs WHERE flags & 2 = 0`,
		`SELECT id FROM docs WHERE flags & 2 = 0`,
	} {
		for range 2 {
		began := time.Now()
		rows, err := db.QueryContext(context.Background(), s)
		if err != nil { t.Fatal(s, err) }
		first := time.Duration(0)
		n := 0
		var a, b sql.RawBytes
		cols, _ := rows.Columns()
		var i, j int64
		for rows.Next() {
			if n == 0 { first = time.Since(began) }
			n++
			if cols[0] == "group_concat(id)" { rows.Scan(&a) } else if len(cols) == 1 { err = rows.Scan(&i) } else { err = rows.Scan(&i, &j) }
			if err != nil { t.Fatal(err) }
		}
		_, _ = a, b
		rows.Close()
		t.Log(n, first, time.Since(began), s)
		}
	}
}
