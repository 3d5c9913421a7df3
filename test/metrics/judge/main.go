// What Prometheus makes of our page of metrics: its linter, its scraper, its storage and its query language.
//
//	judge lint                     a page on stdin; a line for each problem that Prometheus's linter finds
//	judge scrape URL USER PASSWORD QUERY...
//	                               scrapes the page until every query has an answer; a line of JSON for each
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	config_util "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

func main() {
	switch os.Args[1] {
	case "lint":
		lint()
	case "scrape":
		scrapeAndAsk(os.Args[2], os.Args[3], os.Args[4], os.Args[5:])
	}
}

func lint() {
	problems, err := promlint.New(os.Stdin).Lint()
	must(err)
	for _, problem := range problems {
		fmt.Println(problem.Metric, problem.Text)
	}
}

func scrapeAndAsk(address, user, password string, queries []string) {
	page, err := url.Parse(address)
	must(err)
	folder, err := os.MkdirTemp("", "prometheus-")
	must(err)
	defer os.RemoveAll(folder)
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := tsdb.Open(folder, logger, nil, tsdb.DefaultOptions(), nil)
	must(err)
	defer db.Close()

	settings, err := config.Load(fmt.Sprintf(`
scrape_configs:
  - job_name: eventlake
    scrape_interval: 1s
    scrape_timeout: 1s
    metrics_path: %s
    scheme: %s
`, page.Path, page.Scheme), logger)
	must(err)
	if user != "" {
		settings.ScrapeConfigs[0].HTTPClientConfig.BasicAuth = &config_util.BasicAuth{
			Username: user, Password: config_util.Secret(password),
		}
	}
	manager, err := scrape.NewManager(&scrape.Options{}, logger, nil, db, nil, prometheus.NewRegistry())
	must(err)
	must(manager.ApplyConfig(settings))
	targets := make(chan map[string][]*targetgroup.Group)
	go manager.Run(targets)
	defer manager.Stop()
	targets <- map[string][]*targetgroup.Group{
		"eventlake": {{Source: "0", Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(page.Host)}}}},
	}

	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: 10 * time.Second, Logger: logger})
	for _, query := range queries {
		answer := promql.Vector{}
		for started := time.Now(); len(answer) == 0 && time.Since(started) < 30*time.Second; time.Sleep(200 * time.Millisecond) {
			asked, err := engine.NewInstantQuery(context.Background(), db, nil, query, time.Now())
			must(err)
			result := asked.Exec(context.Background())
			must(result.Err)
			answer, err = result.Vector()
			must(err)
		}
		print(answer)
	}
}

func print(answer promql.Vector) {
	samples := []map[string]any{}
	for _, sample := range answer {
		samples = append(samples, map[string]any{"labels": sample.Metric.Map(), "value": sample.F})
	}
	text, err := json.Marshal(samples)
	must(err)
	fmt.Println(string(text))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
