"""What instructions of x86-64 write, by exact name. An instruction that stands nowhere here is unknown.

Operands are in Intel's order: what is written comes first.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _each(stems: str, endings: str) -> frozenset[str]:
    return frozenset(stem + ending for stem in stems.split() for ending in endings.split())


CONDITIONS = "a ae b be c e g ge l le ne no np ns o p s"
JUMPS = _each("j", CONDITIONS)
MOVES = _each("cmov", CONDITIONS)
SETS = _each("set", CONDITIONS)

NOTHING = _names("nop prefetcht0 prefetcht1 prefetcht2 prefetchnta prefetchw vzeroupper endbr64")

# The first operand is overwritten by a function of the others.
_COPIES = _names("mov movabs movzx movsx movsxd lea shlx shrx sarx rorx") | SETS
_COPIES_AND_FLAGS = _names("andn bzhi popcnt lzcnt tzcnt blsr blsi blsmsk")
LEGACY_COPIES = _names("movdqa movdqu movaps movups movapd movupd movq movd pshufd pmovmskb movmskpd movmskps")
_VECTOR_COPIES = (
    _each("v", "movdqa movdqu movaps movups movapd movupd movq movd")
    | _names("vmovdqa64 vmovdqa32 vmovdqu64 vmovdqu32 vmovdqu16 vmovdqu8 vmovmskps vmovmskpd vpmovmskb")
    | _each("vpadd vpsub", "b w d q")
    | _names("vpand vpandd vpandq vpandn vpandnd vpandnq vpor vpord vporq vpxor vpxord vpxorq")
    | _each("vand vandn vor vxor", "ps pd")
    | _each("vpsrl vpsll", "w d q dq")
    | _names("vpsraw vpsrad vpsraq vpmuludq vpmuldq vpmulld vpmullq vpmullw vpminuq vpminud vpmaxuq")
    | _each("vpbroadcast", "b w d q")
    | _names("vbroadcastsd vbroadcastss vbroadcasti128 vbroadcastf128 vbroadcasti32x4 vbroadcasti64x4")
    | _each("vpunpckl vpunpckh", "bw wd dq qdq")
    | _names("vunpcklpd vunpckhpd vunpcklps vunpckhps vshufpd vshufps vpshufd vpshufb vpshuflw vpshufhw")
    | _names("vaesenc vaesenclast vaeskeygenassist vshufi64x2")
    | _names("vpermq vpermpd vpermd vpermw vpermb vperm2i128 vperm2f128 valignq valignd vpalignr")
    | _names("vpextrb vpextrw vpextrd vpextrq vpinsrb vpinsrw vpinsrd vpinsrq")
    | _names("vinserti128 vinsertf128 vinserti32x4 vinserti64x4 vinsertf64x4")
    | _names("vextracti128 vextractf128 vextracti32x4 vextracti64x4 vextractf64x4")
    | _names("vpblendw vpblendd vpblendvb vblendvpd vblendvps vblendpd vblendps vpblendmq vpblendmd")
    | _names("vpacksswb vpackuswb vpackssdw vpackusdw vpopcntb vpopcntw vpopcntd vpopcntq")
    | _each("vpmovzx vpmovsx", "bw bd bq wd wq dq")
    | _names("vpmovqd vpmovqw vpmovqb vpmovdw vpmovdb vpmovwb")
    | _each("vpcmpeq vpcmpgt", "b w d q")
    | _each("vpcmplt vpcmple vpcmpneq vpcmpnlt vpcmpnle", "b w d q ub uw ud uq")
    | _each("vptestm vptestnm", "b w d q")
    | _each("vpmov", "b2m w2m d2m q2m m2b m2w m2d m2q")
)
_MASK_COPIES = _names("kunpckbw kunpckwd kunpckdq") | _each(
    "kmov knot kand kandn kor kxor kxnor kshiftl kshiftr kadd", "b w d q"
)

# The first operand is a source, too.
_UPDATES = _names("not bswap") | MOVES
_UPDATES_AND_FLAGS = _names("add sub and or xor neg adc sbb")
_UPDATES_AND_SOME_FLAGS = _names("inc dec rol ror shld shrd bts btr btc")
SHIFTS = _names("shl shr sar")
LEGACY_UPDATES = (
    _each("padd psub", "b w d q")
    | _names("pand pandn por pxor andps andpd andnps andnpd orps orpd xorps xorpd")
    | _each("psrl psll", "w d q dq")
    | _names("psraw psrad pmuludq pmuldq pmullw pmulld pshufb shufps shufpd")
    | _each("punpckl punpckh", "bw wd dq qdq")
    | _names("packsswb packuswb packssdw packusdw movlps movhps movlpd movhpd movhlps movlhps movss movsd")
    | _each("pcmpeq pcmpgt", "b w d q")
)
_VECTOR_UPDATES = _names("vpmadd52luq vpmadd52huq vpternlogd vpternlogq") | _each("vpermt2 vpermi2", "b w d q")

# Only some lanes of what is written first may change.
PARTIAL = _names("vpmaskmovd vpmaskmovq vmaskmovps vmaskmovpd vpgatherqq vpgatherdq vpscatterqq vpscatterdq")

# Nothing but flags is written.
_FLAGS_ONLY = _names("cmp test ptest vptest vtestps vtestpd") | _each("kortest ktest", "b w d q")
_SOME_FLAGS_ONLY = _names("bt")

LEGACY = LEGACY_COPIES | LEGACY_UPDATES
COPIES = _COPIES | _COPIES_AND_FLAGS | LEGACY_COPIES | _VECTOR_COPIES | _MASK_COPIES
UPDATES = _UPDATES | _UPDATES_AND_FLAGS | _UPDATES_AND_SOME_FLAGS | SHIFTS | LEGACY_UPDATES | _VECTOR_UPDATES | PARTIAL
TESTS = _FLAGS_ONLY | _SOME_FLAGS_ONLY
ALL_FLAGS = _COPIES_AND_FLAGS | _UPDATES_AND_FLAGS | _FLAGS_ONLY
SOME_FLAGS = _UPDATES_AND_SOME_FLAGS | _SOME_FLAGS_ONLY
READ_FLAGS = _names("adc sbb") | MOVES | SETS

# With two equal sources the result is known: zeros, or ones.
IDIOMS = (
    _names("xor sub pxor xorps xorpd vpxor vpxord vpxorq vxorps vxorpd pandn vpandn")
    | _each("pcmpeq vpcmpeq", "b w d q")
    | _each("kxor kxnor", "b w d q")
)
