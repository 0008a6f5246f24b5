import pytest, time
from tests.contents import contents, differing
def show(a,b):
    for k,v in differing(a,b).items(): print(k); print("  LEFT", *v[0][:3], sep="\n     "); print("  RIGHT", *v[1][:3], sep="\n     ")
def run(s,*a):
    d=s.migrate("run","--as-of","2026-01-01",*a,check=None); print(a, d.returncode, d.stdout, d.stderr)
def test_split(fresh, finished):
    run(fresh,"--service","student","--entity","configuration.Grade","--entity","NSGrade")
    run(fresh,"--service","staff","--service","section","--service","identity")
    run(fresh,"--service","assessment","--service","intervention",*[x for e in ("District","School","SchoolYear") for x in ("--entity","configuration."+e)])
    show(contents(fresh), contents(finished))
    d=fresh.migrate("status",check=None); print(d.stdout,d.stderr)
    run(fresh,"--service","student","--entity","configuration.Grade","--entity","NSGrade")
    d=fresh.migrate("verify","--service","student","--entity","configuration.Grade","--entity","NSGrade",check=None); print(d.returncode, d.stdout,d.stderr)
def test_tenants(fresh, finished):
    run(fresh,"--tenant","district_a")
    run(fresh,"--tenant","district_b")
    show(contents(fresh), contents(finished))
def test_grade(fresh, finished):
    run(fresh,"--service","student","--entity","configuration.Grade")
    run(fresh,"--entity","NSGrade")
    show(contents(fresh,("configuration","student")), contents(finished,("configuration","student")))
