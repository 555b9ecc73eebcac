package format

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"birdwatch/tweet"
)

// zoned are dates with their zone; looser ones without, so that nothing says where on Earth they were written.
var (
	zonedDates = [...]string{time.RubyDate, time.RFC3339, time.RFC1123Z, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05Z07:00"}
	looseDates = [...]string{
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02",
		"1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006", "1/2/06 15:04", "2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006", "2/1/06 15:04",
		"1-2-2006 15:04:05", "1-2-2006 15:04", "2-1-2006 15:04:05", "2-1-2006 15:04", "2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006",
		"1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM", "3:04 PM - 2 Jan 2006", "2 Jan 2006 15:04:05", "2 Jan 2006", "Jan 2, 2006", "2006-01-02 15:04:05 MST", time.UnixDate,
		"Mon Jan 02 15:04:05 MST 2006",
	}
)

// looseZones is how far from UTC a date without a zone may have been written.
const looseZones = 26 * time.Hour

// rowTime reads a date of a table. Many lack the zone, the seconds, or tell not which number is the month: where the id holds the time and
// one reading of the date lies by it, the id's is taken. "" is the id's time too, or none.
func rowTime(s string, id tweet.ID) (string, error) {
	made, known := id.Time()
	made = made.Truncate(time.Second)
	if s = strings.TrimSpace(s); s == "" {
		if known {
			return timeText(made.UnixMilli()), nil
		}
		return "", nil
	}
	for _, layout := range zonedDates {
		if at, err := time.Parse(layout, s); err == nil {
			return rowTimeText(at, s)
		}
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 1e9 && n < 1e13 { // Unix time
		if n >= 1e11 {
			n /= 1000
		}
		return timeText(int64(n * 1000)), nil
	}
	var first time.Time
	for _, layout := range looseDates {
		at, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if first.IsZero() {
			first = at
		}
		if off := at.UTC().Sub(made); known && -looseZones < off && off < looseZones {
			return timeText(made.UnixMilli()), nil
		}
	}
	if first.IsZero() {
		return "", fmt.Errorf("%.40q is no date, as 2018-10-10 20:19:24 is", s)
	}
	return rowTimeText(first, s)
}

func rowTimeText(at time.Time, s string) (string, error) {
	if y := at.UTC().Year(); y < 1 || y > 9999 {
		return "", fmt.Errorf("%.40q lies out of all time", s)
	}
	return timeText(at.UnixMilli()), nil
}
