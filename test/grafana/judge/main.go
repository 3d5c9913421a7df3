// What Grafana's side makes of our files and of an endpoint's answers.
//
//	judge dashboard FILE                 the foundation SDK's strict reader: no unknown field, no wrong type
//	judge query HOST:PORT USER PASSWORD  a query a line on stdin; a line of JSON an answer, by clickhouse-go through
//	                                     database/sql and HTTP, as the ClickHouse plugin asks
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	switch os.Args[1] {
	case "dashboard":
		judgeDashboard(os.Args[2])
	case "query":
		answer(os.Args[2], os.Args[3], os.Args[4])
	}
}

func judgeDashboard(path string) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile(path)
	must(err)
	var read dashboard.Dashboard
	must(read.UnmarshalJSONStrict(text))
	must(read.Validate())
	fmt.Println(len(read.Panels))
}

func answer(address, user, password string) {
	db := clickhouse.OpenDB(&clickhouse.Options{
		Addr:        []string{address},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Username: user, Password: password, Database: "realtime"},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	})
	must(db.Ping())
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var query string
		must(json.Unmarshal(lines.Bytes(), &query))
		rows, err := db.Query(query)
		must(err)
		columns, err := rows.ColumnTypes()
		must(err)
		answers := []map[string]any{}
		for rows.Next() {
			values := make([]any, len(columns))
			for i, column := range columns {
				values[i] = reflect.New(column.ScanType()).Interface()
			}
			must(rows.Scan(values...))
			row := map[string]any{}
			for i, column := range columns {
				value := reflect.ValueOf(values[i]).Elem().Interface()
				if moment, ok := value.(time.Time); ok {
					value = moment.UTC().Format("2006-01-02 15:04:05")
				}
				row[column.Name()] = value
			}
			answers = append(answers, row)
		}
		must(rows.Err())
		text, err := json.Marshal(answers)
		must(err)
		fmt.Println(string(text))
	}
	must(lines.Err())
}

func must(err error) {
	// The SDK hands out an empty list of errors where there is none.
	if errs, ok := err.(cog.BuildErrors); ok && len(errs) == 0 {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
