from setuptools import setup

setup(
    name="wwt-example-source",
    version="1.0",
    description="Failed jobs from a CSV file, for wwt-framework",
    packages=["wwt_example_source"],
    install_requires=["wwt-framework"],
    entry_points={"wwt.errors": ["csv_file = wwt_example_source:CsvFile"]},
)
