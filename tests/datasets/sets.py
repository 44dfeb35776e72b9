"""The data sets: the package that carries each, the command's options, and how Python reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Versions are named: the files, and so what must be in the tables, stay the same.
PACKAGES = {
    "airportsdata": "20260905",
    "bokeh_sampledata": "2026.1",
    "country_converter": "1.3.2",
    "lifelines": "0.30.3",
    "plotly": "7.1.0",
    "scikit-learn": "1.9.1",
    "statsmodels": "0.15.0",
    "vega_datasets": "0.9.0",
}


@dataclass(frozen=True)
class Set:
    """A file of a package.

    `options` go to the command; without any it gets those that its `inspect` prints.  `reader`
    goes to Python's csv.reader.  `skip` lines come before the header, or before the rows where
    `header` is false.  `dates` is strptime's format of what --date-format reads, `nulls` are
    spellings of NULL, and where `pad` is true rows are filled up.  `table` are the columns of a
    table that is there, for options that --create-table does not take."""

    package: str
    path: str
    options: tuple[str, ...] = ()
    reader: dict[str, str] = field(default_factory=dict)
    skip: int = 0
    header: bool = True
    dates: str = ""
    nulls: tuple[str, ...] = ()
    pad: bool = False
    table: str = ""


def bokeh(name: str, *options: str, **how: Any) -> Set:
    return Set("bokeh_sampledata", f"bokeh_sampledata/_data/{name}", options, **how)


SETS = (
    Set("vega_datasets", "vega_datasets/_data/airports.csv"),
    Set("vega_datasets", "vega_datasets/_data/la-riots.csv"),
    Set("vega_datasets", "vega_datasets/_data/cars.json"),
    Set("vega_datasets", "vega_datasets/_data/barley.json"),
    Set(
        "vega_datasets",
        "vega_datasets/_data/sf-temps.csv",
        ("--date-format=%Y/%m/%d %H:%M:%S",),
        dates="%Y/%m/%d %H:%M:%S",
        table="temp numeric, date timestamp",
    ),
    Set(
        "vega_datasets",
        "vega_datasets/_data/seattle-weather.csv",
        ("--date-format=%Y/%m/%d",),
        dates="%Y/%m/%d",
        table="date date, precipitation numeric, temp_max numeric, temp_min numeric, wind numeric, "
        "weather text",
    ),
    Set("airportsdata", "airportsdata/airports.csv"),
    Set(
        "country_converter",
        "country_converter/country_data.tsv",
        ("--ragged=pad", "--quote=none"),
        reader={"delimiter": "\t", "quoting": "none"},
        pad=True,
    ),
    Set("lifelines", "lifelines/datasets/canadian_senators.csv"),
    Set("lifelines", "lifelines/datasets/dd.csv"),
    Set("statsmodels", "statsmodels/datasets/randhie/src/randhie.csv"),
    Set("scikit-learn", "sklearn/datasets/data/breast_cancer.csv", skip=1, header=False),
    Set("scikit-learn", "sklearn/datasets/data/digits.csv.gz", header=False),
    Set(
        "scikit-learn",
        "sklearn/datasets/data/diabetes_data_raw.csv.gz",
        (
            "--delimiter= ",
            "--no-header",
            "--columns=age,sex,bmi,bp,s1,s2,s3,s4,s5,s6",
        ),
        reader={"delimiter": " "},
        header=False,
    ),
    Set("plotly", "plotly/package_data/datasets/election.csv.gz"),
    Set("plotly", "plotly/package_data/datasets/carshare.csv.gz"),
    Set("plotly", "plotly/package_data/datasets/wind.csv.gz"),
    bokeh("world_cities.csv.gz"),
    bokeh("CGM.csv.gz"),
    bokeh("SampleSuperstore.csv.gz"),
    bokeh("population.csv.gz"),
    bokeh("routes.csv.gz"),
    bokeh("stocks.csv.gz"),
    bokeh("titanic_all.csv"),
    bokeh("sea_surface_temperature.csv.gz"),
    bokeh("cycling.csv.gz", "--map==row"),
    bokeh(
        "unemployment09.csv.gz",
        "--no-header",
        "--thousands=,",
        "--columns=laus,state,county,name,year,force,employed,unemployed,rate",
        header=False,
        table="laus text, state text, county text, name text, year integer, force integer, "
        "employed integer, unemployed integer, rate numeric",
    ),
    bokeh("elements.csv", nulls=("-",)),
    bokeh("penguins.csv"),
    bokeh("us_marriages_divorces.csv"),
)
