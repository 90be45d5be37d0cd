"""Messages of scanners: what can be scanned for, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from ibkr_sim.exchange.model import Contract
from ibkr_sim.reference.scanning import FILTERS, INSTRUMENTS, LOCATIONS, TYPES
from ibkr_sim.tws.fields import FieldWriter


def scanner_parameters(version: int) -> bytes:
    return FieldWriter(19, version).add(1, parameters()).frame()


def scanner_data(version: int, request_id: int, contracts: Sequence[Contract]) -> bytes:
    """The first in rank first. Distance, benchmark, projection and legs are empty for stocks."""
    writer = FieldWriter(20, version).add(3, request_id, len(contracts))
    for rank, contract in enumerate(contracts):
        writer.add(rank, contract.conid, contract.symbol, contract.sec_type, "", 0, "", "SMART", contract.currency)
        writer.add(contract.local_symbol, contract.trading_class, contract.trading_class, "", "", "", "")
    return writer.frame()


def parameters() -> str:
    root = Xml.Element("ScanParameterResponse")
    _instruments(Xml.SubElement(root, "InstrumentList", varName="instrumentList"))
    _locations(Xml.SubElement(root, "LocationTree", varName="locationTree"))
    types = Xml.SubElement(root, "ScanTypeList", varName="scanTypeList")
    for kind in TYPES:
        row = Xml.SubElement(types, "ScanType")
        _texts(row, displayName=kind.title, scanCode=kind.code, instruments=",".join(INSTRUMENTS))
    filters = Xml.SubElement(root, "FilterList", varName="filterList")
    for one in FILTERS:
        row = Xml.SubElement(filters, "SimpleFilter")
        _texts(row, id=one.code.upper())
        field = Xml.SubElement(row, "AbstractField", type="scanner.filter.DoubleField")
        _texts(field, code=one.code, displayName=one.title)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _instruments(parent: Xml.Element) -> None:
    filters = ",".join(one.code.upper() for one in FILTERS)
    for kind, title in INSTRUMENTS.items():
        _texts(Xml.SubElement(parent, "Instrument"), name=title, type=kind, filters=filters)


def _locations(parent: Xml.Element) -> None:
    """The widest place of an instrument holds its others."""
    for instrument in INSTRUMENTS:
        inner = parent
        for code, (kind, title, exchanges) in LOCATIONS.items():
            if kind != instrument:
                continue
            row = Xml.SubElement(inner, "Location")
            _texts(row, displayName=title, locationCode=code, instruments=kind, routeExchange=exchanges[0])
            if inner is parent:
                inner = Xml.SubElement(row, "LocationTree")


def _texts(parent: Xml.Element, **texts: str) -> None:
    for name, text in texts.items():
        Xml.SubElement(parent, name).text = text
