"""Which English words name persons, organizations and things, and which say nothing of either.

Belongs here: words that many systems use in the names of fields and datasets. Must not: words of one system only, rules
(context.py, kinds.py), other languages (translations.py).
"""


def listed(words: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(words.split())


PERSONS = listed(
    """
    accountant adult agent applicant approver assignee attendee author bcc beneficiary borrower candidate
    cardholder caregiver cc child citizen clerk client coach contact creator customer donor driver
    employee father followed follower guardian guest holder individual initiator inspector instructor
    insured interviewee lawyer lead manager member minor mother nurse operator owner parent participant
    passenger patient payee payer performer person physician policyholder practitioner recipient relative
    reporter representative requester resident respondent reviewer seller sender sibling signatory signer
    speaker spouse student subject subscriber supervisor teacher technician tenant user visitor voter
    witness
    """
)
WEAK_PERSONS = listed(
    """
    agent author child creator lead minor operator parent performer seller subject
    """
)
"""They may be persons or something else: only where the name goes on with an id, a name or the like."""
PARTIES = listed(
    """
    billing emergency home invoicee mailing personal private residence shipping
    """
)
"""Details of a party to a deal are taken for a person's unless something else is named."""
ORGANIZATIONS = listed(
    """
    agency airport association bank branch brand carrier clinic company court coverage dealer department
    depot employer facility franchise government headquarters hospital hotel institution insurance insurer
    issuer label library manufacturer merchant ministry municipality museum office organization partner
    payor pharmacy provider publisher reseller restaurant school shipper shop store studio supplier
    support team university vendor venue warehouse
    """
)
THINGS = listed(
    """
    album alert animal app application article artist asset attribute book bucket building bundle campaign
    catalog category channel city cluster collection column configuration country coupon course credit
    currency dataset design domain environment event feature field file film function game genre grant
    header host ingredient integration item job list material media menu meter metric model module movie
    node order package page parameter part payload permission pet plan playlist policy portal price
    process product project property publication query queue rate reader recipe region report role room
    rule schedule secret segment sensor service sku song species symbol table tag tax template territory
    test track unit variant version webhook
    """
)
DATASET_THINGS = listed(
    """
    location
    """
)
"""Places of organizations, where they name the whole dataset."""
META = listed(
    """
    allowed at balance behavior bytes category check class collection confirmation count country currency
    default digits enabled error event fee flag format frequency help hidden id index kind label length
    level limit management matches method mode option pattern percent placeholder policy preference
    present prompt provided quantity rate ratio reason regex required rule schema score sequence setting
    settings size source status supported system template threshold tier timezone total type unit use uuid
    valid valid_until verified version visible
    """
)
"""A name that ends in one of these is about the thing, not the thing: ``email_status``, ``phone_check``."""
GENERIC = listed(
    """
    1 2 3 4 back body code content data day display family first formatted front full given last line link
    local main middle month name normalized number original prefix primary raw secondary string suffix
    text unstructured url value year
    """
)
"""Names that get their meaning from the object they stand in: ``telecom.value``, ``name.family``."""
WRAPPERS = listed(
    """
    attribute coding data detail edge entry field item list node object property record result value
    """
)
"""Objects that only wrap: what they hold gets its meaning from the object around them."""
NEUTRAL = WRAPPERS | listed(
    "extension custom metadata meta extra other additional answer value info profile misc address"
)
"""Objects that may hold anything about what they are in."""
IDS = listed(
    """
    code guid handle hash id key nr number pk ref reference sub uuid
    """
)
STAMPS = listed(
    """
    created exported imported ingested loaded modified processed recorded synced updated
    """
)
"""Marks of the system's own: ``updated_at``."""
SYSTEM_TEXT = listed(
    """
    custom disclosure error failure footer header inactive policy seller status success system terms
    validation warning
    """
)
"""Text with these words is written by a program or for everybody."""
HEALTH_RECORDS = listed(
    """
    allergy care clinic clinical condition diagnosis diagnostic disease dosage encounter imaging lab
    medical medication observation patient prescription procedure symptom therapy treatment vaccine
    """
)
"""A dataset whose name has one of these words is about somebody's health."""
SURE_HEALTH = listed(
    """
    allergy diagnosis encounter medication patient prescription symptom vaccine
    """
)
"""A dataset with a path that has one of these words is, too."""
NAME_PARTS = listed(
    """
    family first given handle holder initials login maiden middle username
    """
)
"""Parts of a name that only persons have."""
CONTENT = listed(
    """
    boolean code concept decimal description display finding integer name note result string text title
    value
    """
)
"""What the content of a record is called."""
NO_CONTENT = listed(
    """
    address adjudication agent amount cost identifier language location meta money net payment phone
    priority profile role url
    """
)
"""What stands in these objects is no content, nor is what is about organizations or ``META``."""
ATTRIBUTES = listed(
    """
    city country currency label language location price rate region tax unit
    """
)
"""In the name of a field, they are something of it, not whose it is."""
ACTS = listed(
    """
    approved assigned authored booked closed created deleted edited entered initiated invited managed
    modified opened owned placed posted prescribed referred reported requested reviewed sent signed
    submitted updated uploaded verified written
    """
)
"""What somebody does: ``approved_by``."""
WRITTEN = listed(
    """
    bio chat comment conversation explanation feedback memo note rebuttal remark resume transcript
    """
)
"""What people write."""
TALKS = listed(
    """
    call case chat complaint conversation feedback incident inquiry message review survey ticket
    """
)
"""Datasets of what people write or say."""
DESKS = listed(
    """
    help public support
    """
)
"""How everybody reaches an organization."""
ASKS = listed(
    """
    allow allows can enable enabled has is needs request require required requires shall should show
    """
)
"""Beginnings of names that say whether there is something."""
NOISE = listed(
    """
    all data deleted dim dump export file full json list master new old raw record sample support table
    test v
    """
)
"""Words of a dataset's name that tell nothing."""
HELPERS = listed(
    """
    current default external internal main new old original previous primary related the
    """
)
"""Words of a field's name that tell nothing of whose it is."""
DATES = listed(
    """
    authored created date effective end issued occurrence onset performed recorded start started time
    """
)
"""Names of dates end so."""
