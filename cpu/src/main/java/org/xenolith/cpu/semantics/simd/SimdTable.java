package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_ALL;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_BYTES_BY_MASK;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_DOUBLE;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_FLOAT;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_HIGH_TO_LOW;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_LOW;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_LOW_AND_CLEAR;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_LOW_TO_HIGH;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_NOTHING;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_ZERO_EXTEND;

import org.xenolith.cpu.semantics.simd.Semantics.MoveKind;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The MMX and SSE instructions, one line per encoding, and the function each is bound to. SDM vol.
 * 2.
 *
 * <p>Columns: encoding, mnemonic and operands in the notation of the decoder's tables, and the name
 * of the binding below. A decoder's row finds its line by the first three.
 */
public final class SimdTable {
    private static final String SSE2 =
            """
            # SSE and SSE2: moves
            NP 0F 10 /r              movups       VX, WX         movups
            66 0F 10 /r              movupd       VX, WX         movupd
            F3 0F 10 /r              movss        VSS, WSS       movss
            F2 0F 10 /r              movsd        VSD, WSD       movsd
            NP 0F 11 /r              movups       WX, VX         movups
            66 0F 11 /r              movupd       WX, VX         movupd
            F3 0F 11 /r              movss        WSS, VSS       movss
            F2 0F 11 /r              movsd        WSD, VSD       movsd
            NP 0F 12 /r              movlps       VQ, MQ         movlps
            NP 0F 12 /r              movhlps      VX, UX         movhlps
            66 0F 12 /r              movlpd       VQ, MQ         movlpd
            NP 0F 13 /r              movlps       MQ, VQ         movlps
            66 0F 13 /r              movlpd       MQ, VQ         movlpd
            NP 0F 14 /r              unpcklps     VX, WX         unpcklps
            66 0F 14 /r              unpcklpd     VX, WX         unpcklpd
            NP 0F 15 /r              unpckhps     VX, WX         unpckhps
            66 0F 15 /r              unpckhpd     VX, WX         unpckhpd
            NP 0F 16 /r              movhps       VX, MQ         movhps
            NP 0F 16 /r              movlhps      VX, UX         movlhps
            66 0F 16 /r              movhpd       VX, MQ         movhpd
            NP 0F 17 /r              movhps       MQ, VX         movhps.store
            66 0F 17 /r              movhpd       MQ, VX         movhpd.store
            NP 0F 28 /r              movaps       VX, WX         movaps
            66 0F 28 /r              movapd       VX, WX         movapd
            NP 0F 29 /r              movaps       WX, VX         movaps
            66 0F 29 /r              movapd       WX, VX         movapd
            NP 0F 2B /r              movntps      MX, VX         movntps
            66 0F 2B /r              movntpd      MX, VX         movntpd
            NP 0F 50 /r              movmskps     GD, UX         movmskps
            66 0F 50 /r              movmskpd     GD, UX         movmskpd

            # conversions and comparisons
            NP 0F 2A /r              cvtpi2ps     VX, QQ         cvtpi2ps
            66 0F 2A /r              cvtpi2pd     VX, QQ         cvtpi2pd
            F3 0F 2A /r              cvtsi2ss     VSS, EY        cvtsi2ss
            F2 0F 2A /r              cvtsi2sd     VSD, EY        cvtsi2sd
            NP 0F 2C /r              cvttps2pi    PQ, WQ         cvttps2pi
            66 0F 2C /r              cvttpd2pi    PQ, WX         cvttpd2pi
            F3 0F 2C /r              cvttss2si    GY, WSS        cvttss2si
            F2 0F 2C /r              cvttsd2si    GY, WSD        cvttsd2si
            NP 0F 2D /r              cvtps2pi     PQ, WQ         cvtps2pi
            66 0F 2D /r              cvtpd2pi     PQ, WX         cvtpd2pi
            F3 0F 2D /r              cvtss2si     GY, WSS        cvtss2si
            F2 0F 2D /r              cvtsd2si     GY, WSD        cvtsd2si
            NP 0F 2E /r              ucomiss      VSS, WSS       ucomiss
            66 0F 2E /r              ucomisd      VSD, WSD       ucomisd
            NP 0F 2F /r              comiss       VSS, WSS       comiss
            66 0F 2F /r              comisd       VSD, WSD       comisd
            NP 0F 5A /r              cvtps2pd     VX, WQ         cvtps2pd
            66 0F 5A /r              cvtpd2ps     VX, WX         cvtpd2ps
            F3 0F 5A /r              cvtss2sd     VSD, WSS       cvtss2sd
            F2 0F 5A /r              cvtsd2ss     VSS, WSD       cvtsd2ss
            NP 0F 5B /r              cvtdq2ps     VX, WX         cvtdq2ps
            66 0F 5B /r              cvtps2dq     VX, WX         cvtps2dq
            F3 0F 5B /r              cvttps2dq    VX, WX         cvttps2dq
            66 0F E6 /r              cvttpd2dq    VX, WX         cvttpd2dq
            F3 0F E6 /r              cvtdq2pd     VX, WQ         cvtdq2pd
            F2 0F E6 /r              cvtpd2dq     VX, WX         cvtpd2dq

            # floating point arithmetic
            NP 0F 51 /r              sqrtps       VX, WX         sqrtps
            66 0F 51 /r              sqrtpd       VX, WX         sqrtpd
            F3 0F 51 /r              sqrtss       VSS, WSS       sqrtss
            F2 0F 51 /r              sqrtsd       VSD, WSD       sqrtsd
            NP 0F 52 /r              rsqrtps      VX, WX         rsqrtps
            F3 0F 52 /r              rsqrtss      VSS, WSS       rsqrtss
            NP 0F 53 /r              rcpps        VX, WX         rcpps
            F3 0F 53 /r              rcpss        VSS, WSS       rcpss
            NP 0F 54 /r              andps        VX, WX         andps
            66 0F 54 /r              andpd        VX, WX         andpd
            NP 0F 55 /r              andnps       VX, WX         andnps
            66 0F 55 /r              andnpd       VX, WX         andnpd
            NP 0F 56 /r              orps         VX, WX         orps
            66 0F 56 /r              orpd         VX, WX         orpd
            NP 0F 57 /r              xorps        VX, WX         xorps
            66 0F 57 /r              xorpd        VX, WX         xorpd
            NP 0F 58 /r              addps        VX, WX         addps
            66 0F 58 /r              addpd        VX, WX         addpd
            F3 0F 58 /r              addss        VSS, WSS       addss
            F2 0F 58 /r              addsd        VSD, WSD       addsd
            NP 0F 59 /r              mulps        VX, WX         mulps
            66 0F 59 /r              mulpd        VX, WX         mulpd
            F3 0F 59 /r              mulss        VSS, WSS       mulss
            F2 0F 59 /r              mulsd        VSD, WSD       mulsd
            NP 0F 5C /r              subps        VX, WX         subps
            66 0F 5C /r              subpd        VX, WX         subpd
            F3 0F 5C /r              subss        VSS, WSS       subss
            F2 0F 5C /r              subsd        VSD, WSD       subsd
            NP 0F 5D /r              minps        VX, WX         minps
            66 0F 5D /r              minpd        VX, WX         minpd
            F3 0F 5D /r              minss        VSS, WSS       minss
            F2 0F 5D /r              minsd        VSD, WSD       minsd
            NP 0F 5E /r              divps        VX, WX         divps
            66 0F 5E /r              divpd        VX, WX         divpd
            F3 0F 5E /r              divss        VSS, WSS       divss
            F2 0F 5E /r              divsd        VSD, WSD       divsd
            NP 0F 5F /r              maxps        VX, WX         maxps
            66 0F 5F /r              maxpd        VX, WX         maxpd
            F3 0F 5F /r              maxss        VSS, WSS       maxss
            F2 0F 5F /r              maxsd        VSD, WSD       maxsd
            NP 0F C2 /r ib           cmpps        VX, WX, IB     cmpps
            66 0F C2 /r ib           cmppd        VX, WX, IB     cmppd
            F3 0F C2 /r ib           cmpss        VSS, WSS, IB   cmpss
            F2 0F C2 /r ib           cmpsd        VSD, WSD, IB   cmpsd
            NP 0F C6 /r ib           shufps       VX, WX, IB     shufps
            66 0F C6 /r ib           shufpd       VX, WX, IB     shufpd

            # integer vectors: MMX and SSE2
            NP 0F 60 /r              punpcklbw    PQ, QD         punpcklbw.mmx
            66 0F 60 /r              punpcklbw    VX, WX         punpcklbw
            NP 0F 61 /r              punpcklwd    PQ, QD         punpcklwd.mmx
            66 0F 61 /r              punpcklwd    VX, WX         punpcklwd
            NP 0F 62 /r              punpckldq    PQ, QD         punpckldq.mmx
            66 0F 62 /r              punpckldq    VX, WX         punpckldq
            NP 0F 63 /r              packsswb     PQ, QQ         packsswb.mmx
            66 0F 63 /r              packsswb     VX, WX         packsswb
            NP 0F 64 /r              pcmpgtb      PQ, QQ         pcmpgtb
            66 0F 64 /r              pcmpgtb      VX, WX         pcmpgtb
            NP 0F 65 /r              pcmpgtw      PQ, QQ         pcmpgtw
            66 0F 65 /r              pcmpgtw      VX, WX         pcmpgtw
            NP 0F 66 /r              pcmpgtd      PQ, QQ         pcmpgtd
            66 0F 66 /r              pcmpgtd      VX, WX         pcmpgtd
            NP 0F 67 /r              packuswb     PQ, QQ         packuswb.mmx
            66 0F 67 /r              packuswb     VX, WX         packuswb
            NP 0F 68 /r              punpckhbw    PQ, QQ         punpckhbw.mmx
            66 0F 68 /r              punpckhbw    VX, WX         punpckhbw
            NP 0F 69 /r              punpckhwd    PQ, QQ         punpckhwd.mmx
            66 0F 69 /r              punpckhwd    VX, WX         punpckhwd
            NP 0F 6A /r              punpckhdq    PQ, QQ         punpckhdq.mmx
            66 0F 6A /r              punpckhdq    VX, WX         punpckhdq
            NP 0F 6B /r              packssdw     PQ, QQ         packssdw.mmx
            66 0F 6B /r              packssdw     VX, WX         packssdw
            66 0F 6C /r              punpcklqdq   VX, WX         punpcklqdq
            66 0F 6D /r              punpckhqdq   VX, WX         punpckhqdq
            NP 0F 6E /r              movd         PQ, EY         movd
            NP REX.W 0F 6E /r        movq         PQ, EY         movq
            66 0F 6E /r              movd         VX, EY         movd
            66 REX.W 0F 6E /r        movq         VX, EY         movq
            NP 0F 7E /r              movd         EY, PQ         movd
            NP REX.W 0F 7E /r        movq         EY, PQ         movq
            66 0F 7E /r              movd         EY, VX         movd
            66 REX.W 0F 7E /r        movq         EY, VX         movq
            F3 0F 7E /r              movq         VQ, WQ         movq
            66 0F D6 /r              movq         WQ, VQ         movq
            NP 0F 6F /r              movq         PQ, QQ         movq
            66 0F 6F /r              movdqa       VX, WX         movdqa
            F3 0F 6F /r              movdqu       VX, WX         movdqu
            NP 0F 7F /r              movq         QQ, PQ         movq
            66 0F 7F /r              movdqa       WX, VX         movdqa
            F3 0F 7F /r              movdqu       WX, VX         movdqu
            NP 0F 70 /r ib           pshufw       PQ, QQ, IB     pshufw
            66 0F 70 /r ib           pshufd       VX, WX, IB     pshufd
            F3 0F 70 /r ib           pshufhw      VX, WX, IB     pshufhw
            F2 0F 70 /r ib           pshuflw      VX, WX, IB     pshuflw
            NP 0F 71 /2 ib           psrlw        NQ, IB         psrlw.imm
            66 0F 71 /2 ib           psrlw        UX, IB         psrlw.imm
            NP 0F 71 /4 ib           psraw        NQ, IB         psraw.imm
            66 0F 71 /4 ib           psraw        UX, IB         psraw.imm
            NP 0F 71 /6 ib           psllw        NQ, IB         psllw.imm
            66 0F 71 /6 ib           psllw        UX, IB         psllw.imm
            NP 0F 72 /2 ib           psrld        NQ, IB         psrld.imm
            66 0F 72 /2 ib           psrld        UX, IB         psrld.imm
            NP 0F 72 /4 ib           psrad        NQ, IB         psrad.imm
            66 0F 72 /4 ib           psrad        UX, IB         psrad.imm
            NP 0F 72 /6 ib           pslld        NQ, IB         pslld.imm
            66 0F 72 /6 ib           pslld        UX, IB         pslld.imm
            NP 0F 73 /2 ib           psrlq        NQ, IB         psrlq.imm
            66 0F 73 /2 ib           psrlq        UX, IB         psrlq.imm
            NP 0F 73 /6 ib           psllq        NQ, IB         psllq.imm
            66 0F 73 /6 ib           psllq        UX, IB         psllq.imm
            66 0F 73 /3 ib           psrldq       UX, IB         psrldq
            66 0F 73 /7 ib           pslldq       UX, IB         pslldq
            NP 0F 74 /r              pcmpeqb      PQ, QQ         pcmpeqb
            66 0F 74 /r              pcmpeqb      VX, WX         pcmpeqb
            NP 0F 75 /r              pcmpeqw      PQ, QQ         pcmpeqw
            66 0F 75 /r              pcmpeqw      VX, WX         pcmpeqw
            NP 0F 76 /r              pcmpeqd      PQ, QQ         pcmpeqd
            66 0F 76 /r              pcmpeqd      VX, WX         pcmpeqd
            NP 0F 77                 emms         -              emms
            NP 0F C4 /r ib           pinsrw       PQ, RD, IB     pinsrw.mmx
            NP 0F C4 /r ib           pinsrw       PQ, MW, IB     pinsrw.mmx
            66 0F C4 /r ib           pinsrw       VX, RD, IB     pinsrw
            66 0F C4 /r ib           pinsrw       VX, MW, IB     pinsrw
            NP 0F C5 /r ib           pextrw       GD, NQ, IB     pextrw.mmx
            66 0F C5 /r ib           pextrw       GD, UX, IB     pextrw
            NP 0F D1 /r              psrlw        PQ, QQ         psrlw
            66 0F D1 /r              psrlw        VX, WX         psrlw
            NP 0F D2 /r              psrld        PQ, QQ         psrld
            66 0F D2 /r              psrld        VX, WX         psrld
            NP 0F D3 /r              psrlq        PQ, QQ         psrlq
            66 0F D3 /r              psrlq        VX, WX         psrlq
            NP 0F D4 /r              paddq        PQ, QQ         paddq
            66 0F D4 /r              paddq        VX, WX         paddq
            NP 0F D5 /r              pmullw       PQ, QQ         pmullw
            66 0F D5 /r              pmullw       VX, WX         pmullw
            NP 0F D8 /r              psubusb      PQ, QQ         psubusb
            66 0F D8 /r              psubusb      VX, WX         psubusb
            NP 0F D9 /r              psubusw      PQ, QQ         psubusw
            66 0F D9 /r              psubusw      VX, WX         psubusw
            NP 0F DA /r              pminub       PQ, QQ         pminub
            66 0F DA /r              pminub       VX, WX         pminub
            NP 0F DB /r              pand         PQ, QQ         pand
            66 0F DB /r              pand         VX, WX         pand
            NP 0F DC /r              paddusb      PQ, QQ         paddusb
            66 0F DC /r              paddusb      VX, WX         paddusb
            NP 0F DD /r              paddusw      PQ, QQ         paddusw
            66 0F DD /r              paddusw      VX, WX         paddusw
            NP 0F DE /r              pmaxub       PQ, QQ         pmaxub
            66 0F DE /r              pmaxub       VX, WX         pmaxub
            NP 0F DF /r              pandn        PQ, QQ         pandn
            66 0F DF /r              pandn        VX, WX         pandn
            NP 0F E0 /r              pavgb        PQ, QQ         pavgb
            66 0F E0 /r              pavgb        VX, WX         pavgb
            NP 0F E1 /r              psraw        PQ, QQ         psraw
            66 0F E1 /r              psraw        VX, WX         psraw
            NP 0F E2 /r              psrad        PQ, QQ         psrad
            66 0F E2 /r              psrad        VX, WX         psrad
            NP 0F E3 /r              pavgw        PQ, QQ         pavgw
            66 0F E3 /r              pavgw        VX, WX         pavgw
            NP 0F E4 /r              pmulhuw      PQ, QQ         pmulhuw
            66 0F E4 /r              pmulhuw      VX, WX         pmulhuw
            NP 0F E5 /r              pmulhw       PQ, QQ         pmulhw
            66 0F E5 /r              pmulhw       VX, WX         pmulhw
            NP 0F E8 /r              psubsb       PQ, QQ         psubsb
            66 0F E8 /r              psubsb       VX, WX         psubsb
            NP 0F E9 /r              psubsw       PQ, QQ         psubsw
            66 0F E9 /r              psubsw       VX, WX         psubsw
            NP 0F EA /r              pminsw       PQ, QQ         pminsw
            66 0F EA /r              pminsw       VX, WX         pminsw
            NP 0F EB /r              por          PQ, QQ         por
            66 0F EB /r              por          VX, WX         por
            NP 0F EC /r              paddsb       PQ, QQ         paddsb
            66 0F EC /r              paddsb       VX, WX         paddsb
            NP 0F ED /r              paddsw       PQ, QQ         paddsw
            66 0F ED /r              paddsw       VX, WX         paddsw
            NP 0F EE /r              pmaxsw       PQ, QQ         pmaxsw
            66 0F EE /r              pmaxsw       VX, WX         pmaxsw
            NP 0F EF /r              pxor         PQ, QQ         pxor
            66 0F EF /r              pxor         VX, WX         pxor
            NP 0F F1 /r              psllw        PQ, QQ         psllw
            66 0F F1 /r              psllw        VX, WX         psllw
            NP 0F F2 /r              pslld        PQ, QQ         pslld
            66 0F F2 /r              pslld        VX, WX         pslld
            NP 0F F3 /r              psllq        PQ, QQ         psllq
            66 0F F3 /r              psllq        VX, WX         psllq
            NP 0F F4 /r              pmuludq      PQ, QQ         pmuludq
            66 0F F4 /r              pmuludq      VX, WX         pmuludq
            NP 0F F5 /r              pmaddwd      PQ, QQ         pmaddwd
            66 0F F5 /r              pmaddwd      VX, WX         pmaddwd
            NP 0F F6 /r              psadbw       PQ, QQ         psadbw
            66 0F F6 /r              psadbw       VX, WX         psadbw
            NP 0F F8 /r              psubb        PQ, QQ         psubb
            66 0F F8 /r              psubb        VX, WX         psubb
            NP 0F F9 /r              psubw        PQ, QQ         psubw
            66 0F F9 /r              psubw        VX, WX         psubw
            NP 0F FA /r              psubd        PQ, QQ         psubd
            66 0F FA /r              psubd        VX, WX         psubd
            NP 0F FB /r              psubq        PQ, QQ         psubq
            66 0F FB /r              psubq        VX, WX         psubq
            NP 0F FC /r              paddb        PQ, QQ         paddb
            66 0F FC /r              paddb        VX, WX         paddb
            NP 0F FD /r              paddw        PQ, QQ         paddw
            66 0F FD /r              paddw        VX, WX         paddw
            NP 0F FE /r              paddd        PQ, QQ         paddd
            66 0F FE /r              paddd        VX, WX         paddd
            F3 0F D6 /r              movq2dq      VX, NQ         movq2dq
            F2 0F D6 /r              movdq2q      PQ, UX         movdq2q
            NP 0F D7 /r              pmovmskb     GD, NQ         pmovmskb.mmx
            66 0F D7 /r              pmovmskb     GD, UX         pmovmskb
            NP 0F E7 /r              movntq       MQ, PQ         movntq
            66 0F E7 /r              movntdq      MX, VX         movntdq
            NP 0F F7 /r              maskmovq     PQ, NQ         maskmovq
            66 0F F7 /r              maskmovdqu   VX, UX         maskmovdqu
            """;

    private static final String SSE3 =
            """
            F2 0F 12 /r              movddup      VX, WQ         movddup
            F3 0F 12 /r              movsldup     VX, WX         movsldup
            F3 0F 16 /r              movshdup     VX, WX         movshdup
            66 0F 7C /r              haddpd       VX, WX         haddpd
            F2 0F 7C /r              haddps       VX, WX         haddps
            66 0F 7D /r              hsubpd       VX, WX         hsubpd
            F2 0F 7D /r              hsubps       VX, WX         hsubps
            66 0F D0 /r              addsubpd     VX, WX         addsubpd
            F2 0F D0 /r              addsubps     VX, WX         addsubps
            F2 0F F0 /r              lddqu        VX, MX         lddqu
            """;

    private static final String SSSE3 =
            """
            NP 0F 38 00 /r           pshufb       PQ, QQ         pshufb.mmx
            66 0F 38 00 /r           pshufb       VX, WX         pshufb
            NP 0F 38 01 /r           phaddw       PQ, QQ         phaddw.mmx
            66 0F 38 01 /r           phaddw       VX, WX         phaddw
            NP 0F 38 02 /r           phaddd       PQ, QQ         phaddd.mmx
            66 0F 38 02 /r           phaddd       VX, WX         phaddd
            NP 0F 38 03 /r           phaddsw      PQ, QQ         phaddsw.mmx
            66 0F 38 03 /r           phaddsw      VX, WX         phaddsw
            NP 0F 38 04 /r           pmaddubsw    PQ, QQ         pmaddubsw
            66 0F 38 04 /r           pmaddubsw    VX, WX         pmaddubsw
            NP 0F 38 05 /r           phsubw       PQ, QQ         phsubw.mmx
            66 0F 38 05 /r           phsubw       VX, WX         phsubw
            NP 0F 38 06 /r           phsubd       PQ, QQ         phsubd.mmx
            66 0F 38 06 /r           phsubd       VX, WX         phsubd
            NP 0F 38 07 /r           phsubsw      PQ, QQ         phsubsw.mmx
            66 0F 38 07 /r           phsubsw      VX, WX         phsubsw
            NP 0F 38 08 /r           psignb       PQ, QQ         psignb
            66 0F 38 08 /r           psignb       VX, WX         psignb
            NP 0F 38 09 /r           psignw       PQ, QQ         psignw
            66 0F 38 09 /r           psignw       VX, WX         psignw
            NP 0F 38 0A /r           psignd       PQ, QQ         psignd
            66 0F 38 0A /r           psignd       VX, WX         psignd
            NP 0F 38 0B /r           pmulhrsw     PQ, QQ         pmulhrsw
            66 0F 38 0B /r           pmulhrsw     VX, WX         pmulhrsw
            NP 0F 38 1C /r           pabsb        PQ, QQ         pabsb
            66 0F 38 1C /r           pabsb        VX, WX         pabsb
            NP 0F 38 1D /r           pabsw        PQ, QQ         pabsw
            66 0F 38 1D /r           pabsw        VX, WX         pabsw
            NP 0F 38 1E /r           pabsd        PQ, QQ         pabsd
            66 0F 38 1E /r           pabsd        VX, WX         pabsd
            NP 0F 3A 0F /r ib        palignr      PQ, QQ, IB     palignr.mmx
            66 0F 3A 0F /r ib        palignr      VX, WX, IB     palignr
            """;

    private static final String SSE4_1 =
            """
            66 0F 38 10 /r           pblendvb     VX, WX         pblendvb
            66 0F 38 14 /r           blendvps     VX, WX         blendvps
            66 0F 38 15 /r           blendvpd     VX, WX         blendvpd
            66 0F 38 17 /r           ptest        VX, WX         ptest
            66 0F 38 20 /r           pmovsxbw     VX, WQ         pmovsxbw
            66 0F 38 21 /r           pmovsxbd     VX, WD         pmovsxbd
            66 0F 38 22 /r           pmovsxbq     VX, WW         pmovsxbq
            66 0F 38 23 /r           pmovsxwd     VX, WQ         pmovsxwd
            66 0F 38 24 /r           pmovsxwq     VX, WD         pmovsxwq
            66 0F 38 25 /r           pmovsxdq     VX, WQ         pmovsxdq
            66 0F 38 28 /r           pmuldq       VX, WX         pmuldq
            66 0F 38 29 /r           pcmpeqq      VX, WX         pcmpeqq
            66 0F 38 2A /r           movntdqa     VX, MX         movntdqa
            66 0F 38 2B /r           packusdw     VX, WX         packusdw
            66 0F 38 30 /r           pmovzxbw     VX, WQ         pmovzxbw
            66 0F 38 31 /r           pmovzxbd     VX, WD         pmovzxbd
            66 0F 38 32 /r           pmovzxbq     VX, WW         pmovzxbq
            66 0F 38 33 /r           pmovzxwd     VX, WQ         pmovzxwd
            66 0F 38 34 /r           pmovzxwq     VX, WD         pmovzxwq
            66 0F 38 35 /r           pmovzxdq     VX, WQ         pmovzxdq
            66 0F 38 38 /r           pminsb       VX, WX         pminsb
            66 0F 38 39 /r           pminsd       VX, WX         pminsd
            66 0F 38 3A /r           pminuw       VX, WX         pminuw
            66 0F 38 3B /r           pminud       VX, WX         pminud
            66 0F 38 3C /r           pmaxsb       VX, WX         pmaxsb
            66 0F 38 3D /r           pmaxsd       VX, WX         pmaxsd
            66 0F 38 3E /r           pmaxuw       VX, WX         pmaxuw
            66 0F 38 3F /r           pmaxud       VX, WX         pmaxud
            66 0F 38 40 /r           pmulld       VX, WX         pmulld
            66 0F 38 41 /r           phminposuw   VX, WX         phminposuw
            66 0F 3A 08 /r ib        roundps      VX, WX, IB     roundps
            66 0F 3A 09 /r ib        roundpd      VX, WX, IB     roundpd
            66 0F 3A 0A /r ib        roundss      VSS, WSS, IB   roundss
            66 0F 3A 0B /r ib        roundsd      VSD, WSD, IB   roundsd
            66 0F 3A 0C /r ib        blendps      VX, WX, IB     blendps
            66 0F 3A 0D /r ib        blendpd      VX, WX, IB     blendpd
            66 0F 3A 0E /r ib        pblendw      VX, WX, IB     pblendw
            66 0F 3A 14 /r ib        pextrb       RD, VX, IB     pextrb
            66 0F 3A 14 /r ib        pextrb       MB, VX, IB     pextrb
            66 0F 3A 15 /r ib        pextrw       RD, VX, IB     pextrw
            66 0F 3A 15 /r ib        pextrw       MW, VX, IB     pextrw
            66 0F 3A 16 /r ib        pextrd       EY, VX, IB     pextrd
            66 REX.W 0F 3A 16 /r ib  pextrq       EY, VX, IB     pextrq
            66 0F 3A 17 /r ib        extractps    ED, VX, IB     pextrd
            66 0F 3A 20 /r ib        pinsrb       VX, RD, IB     pinsrb
            66 0F 3A 20 /r ib        pinsrb       VX, MB, IB     pinsrb
            66 0F 3A 21 /r ib        insertps     VX, UX, IB     insertps
            66 0F 3A 21 /r ib        insertps     VX, MD, IB     insertps.load
            66 0F 3A 22 /r ib        pinsrd       VX, EY, IB     pinsrd
            66 REX.W 0F 3A 22 /r ib  pinsrq       VX, EY, IB     pinsrq
            66 0F 3A 40 /r ib        dpps         VX, WX, IB     dpps
            66 0F 3A 41 /r ib        dppd         VX, WX, IB     dppd
            66 0F 3A 42 /r ib        mpsadbw      VX, WX, IB     mpsadbw
            """;

    private static final String SSE4_2 =
            """
            66 0F 38 37 /r           pcmpgtq      VX, WX         pcmpgtq
            66 0F 3A 60 /r ib        pcmpestrm    VX, WX, IB     pcmpestrm
            66 0F 3A 61 /r ib        pcmpestri    VX, WX, IB     pcmpestri
            66 0F 3A 62 /r ib        pcmpistrm    VX, WX, IB     pcmpistrm
            66 0F 3A 63 /r ib        pcmpistri    VX, WX, IB     pcmpistri
            F2 0F 38 F0 /r           crc32        GY, EB         crc32
            F2 0F 38 F1 /r           crc32        GY, EV         crc32
            """;

    private static final String POPCNT =
            """
            F3 0F B8 /r              popcnt       GV, EV         popcnt
            """;

    private static final Semantics TRUNCATE_FLOAT =
            new Semantics.ToInteger(
                    (b, m) -> SseConvert.cvttss2si32((int) b, m),
                    (b, m) -> SseConvert.cvttss2si64((int) b, m));
    private static final Semantics ROUND_FLOAT =
            new Semantics.ToInteger(
                    (b, m) -> SseConvert.cvtss2si32((int) b, m),
                    (b, m) -> SseConvert.cvtss2si64((int) b, m));
    private static final Semantics TRUNCATE_DOUBLE =
            new Semantics.ToInteger(SseConvert::cvttsd2si32, SseConvert::cvttsd2si64);
    private static final Semantics ROUND_DOUBLE =
            new Semantics.ToInteger(SseConvert::cvtsd2si32, SseConvert::cvtsd2si64);

    private static final Semantics.FloatHalfOp ZERO = (al, ah, bl, bh, imm, m) -> 0;
    private static final Semantics.FloatHalfOp KEEP_HIGH = (al, ah, bl, bh, imm, m) -> ah;
    private static final Semantics.FloatHalfOp FIRST_INTEGER_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtsi2sd((int) bl);
    private static final Semantics.FloatHalfOp SECOND_INTEGER_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtsi2sd((int) (bl >>> 32));
    private static final Semantics.FloatHalfOp FIRST_FLOAT_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtss2sd((int) bl, m);
    private static final Semantics.FloatHalfOp SECOND_FLOAT_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtss2sd((int) (bl >>> 32), m);

    private static final Semantics.FloatHalfOp DPPS_LOW =
            (al, ah, bl, bh, imm, m) -> SseFloat.dppsPair(al, ah, bl, bh, imm, imm, m);
    private static final Semantics.FloatHalfOp DPPS_HIGH =
            (al, ah, bl, bh, imm, m) -> SseFloat.dppsPair(al, ah, bl, bh, imm, imm >>> 2, m);
    private static final Semantics.FloatHalfOp DPPD_LOW =
            (al, ah, bl, bh, imm, m) -> SseDouble.dppd(al, ah, bl, bh, imm, m) * (imm >>> 0 & 1);
    private static final Semantics.FloatHalfOp DPPD_HIGH =
            (al, ah, bl, bh, imm, m) -> SseDouble.dppd(al, ah, bl, bh, imm, m) * (imm >>> 1 & 1);

    /**
     * Bindings asked for so far. A boot uses a fifth of them, and to link a function takes far
     * longer than to look it up.
     */
    private static final Map<String, Semantics> BINDINGS = new ConcurrentHashMap<>();

    private static final List<SimdRow> ROWS = readRows();
    private static final Map<String, SimdRow> BY_KEY =
            ROWS.stream().collect(Collectors.toUnmodifiableMap(SimdRow::key, row -> row));

    private SimdTable() {}

    /** All rows, in the order of the tables. */
    public static List<SimdRow> rows() {
        return ROWS;
    }

    /**
     * The row of a decoder's row, or null.
     *
     * @param operands anything whose toString() is the operand code
     */
    public static SimdRow find(String encoding, String mnemonic, List<?> operands) {
        return BY_KEY.get(SimdRow.key(encoding, mnemonic, operands));
    }

    /** The function bound under a name of the last column. */
    static Semantics semantics(String name) {
        return BINDINGS.computeIfAbsent(name, SimdTable::bind);
    }

    private static List<SimdRow> readRows() {
        List<SimdRow> rows = new ArrayList<>();
        addRows(rows, SSE2, "sse2");
        addRows(rows, SSE3, "pni");
        addRows(rows, SSSE3, "ssse3");
        addRows(rows, SSE4_1, "sse4_1");
        addRows(rows, SSE4_2, "sse4_2");
        addRows(rows, POPCNT, "popcnt");
        return List.copyOf(rows);
    }

    private static void addRows(List<SimdRow> rows, String table, String feature) {
        table.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .forEach(line -> rows.add(SimdRow.parse(line, feature)));
    }

    private static Semantics bind(String name) {
        return Stream.<Function<String, Semantics>>of(
                        SimdTable::sse2,
                        SimdTable::sse3,
                        SimdTable::ssse3,
                        SimdTable::sse41,
                        SimdTable::sse42)
                .map(section -> section.apply(name))
                .filter(Objects::nonNull)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no function is bound to " + name));
    }

    private static Semantics sse2(String name) {
        return switch (name) {
            case "movups" -> move(MOVE_ALL);
            case "movupd" -> move(MOVE_ALL);
            case "movss" -> move(MOVE_FLOAT);
            case "movsd" -> move(MOVE_DOUBLE);
            case "movlps" -> move(MOVE_LOW);
            case "movhlps" -> move(MOVE_HIGH_TO_LOW);
            case "movlpd" -> move(MOVE_LOW);
            case "unpcklps" -> interleaveLow(PackedInteger::punpckldq, PackedInteger::punpckhdq);
            case "unpcklpd" -> move(MOVE_LOW_TO_HIGH);
            case "unpckhps" -> interleaveHigh(PackedInteger::punpckldq, PackedInteger::punpckhdq);
            case "unpckhpd" -> cross((al, ah, bl, bh, imm) -> ah, (al, ah, bl, bh, imm) -> bh);
            case "movhps" -> move(MOVE_LOW_TO_HIGH);
            case "movhps.store" -> move(MOVE_HIGH_TO_LOW);
            case "movlhps" -> move(MOVE_LOW_TO_HIGH);
            case "movhpd" -> move(MOVE_LOW_TO_HIGH);
            case "movhpd.store" -> move(MOVE_HIGH_TO_LOW);
            case "movaps" -> move(MOVE_ALL);
            case "movapd" -> move(MOVE_ALL);
            case "movntps" -> move(MOVE_ALL);
            case "movntpd" -> move(MOVE_ALL);
            case "movmskps" -> extract((bl, bh, imm) -> PackedShuffle.movmskps(bl, bh));
            case "movmskpd" -> extract((bl, bh, imm) -> PackedShuffle.movmskpd(bl, bh));
            case "cvtpi2ps" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtdq2ps(bl, m), KEEP_HIGH);
            case "cvtpi2pd" -> crossFloat(FIRST_INTEGER_TO_DOUBLE, SECOND_INTEGER_TO_DOUBLE);
            case "cvtsi2ss" -> integerToFloat(SseConvert::cvtsi2ss);
            case "cvtsi2sd" -> integerToDouble(SseConvert::cvtsi2sd);
            case "cvttps2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvttps2dq(bl, m), ZERO);
            case "cvttpd2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvttpd2dq(bl, bh, m), ZERO);
            case "cvttss2si" -> TRUNCATE_FLOAT;
            case "cvttsd2si" -> TRUNCATE_DOUBLE;
            case "cvtps2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtps2dq(bl, m), ZERO);
            case "cvtpd2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtpd2dq(bl, bh, m), ZERO);
            case "cvtss2si" -> ROUND_FLOAT;
            case "cvtsd2si" -> ROUND_DOUBLE;
            case "ucomiss" -> compareFloat(SseFloat::ucomiss);
            case "ucomisd" -> compareDouble(SseDouble::ucomisd);
            case "comiss" -> compareFloat(SseFloat::comiss);
            case "comisd" -> compareDouble(SseDouble::comisd);
            case "cvtps2pd" -> crossFloat(FIRST_FLOAT_TO_DOUBLE, SECOND_FLOAT_TO_DOUBLE);
            case "cvtpd2ps" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtpd2ps(bl, bh, m), ZERO);
            case "cvtss2sd" -> new Semantics.FloatToDouble(SseConvert::cvtss2sd);
            case "cvtsd2ss" -> doubleToFloat(SseConvert::cvtsd2ss);
            case "cvtdq2ps" -> packedDouble((a, b, m) -> SseConvert.cvtdq2ps(b, m));
            case "cvtps2dq" -> packedDouble((a, b, m) -> SseConvert.cvtps2dq(b, m));
            case "cvttps2dq" -> packedDouble((a, b, m) -> SseConvert.cvttps2dq(b, m));
            case "cvttpd2dq" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvttpd2dq(bl, bh, m), ZERO);
            case "cvtdq2pd" -> crossFloat(FIRST_INTEGER_TO_DOUBLE, SECOND_INTEGER_TO_DOUBLE);
            case "cvtpd2dq" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtpd2dq(bl, bh, m), ZERO);
            case "sqrtps" -> packedFloat((a, b, m) -> SseFloat.sqrtss(b, m));
            case "sqrtpd" -> packedDouble((a, b, m) -> SseDouble.sqrtsd(b, m));
            case "sqrtss" -> scalarFloat((a, b, m) -> SseFloat.sqrtss(b, m));
            case "sqrtsd" -> scalarDouble((a, b, m) -> SseDouble.sqrtsd(b, m));
            case "rsqrtps" -> packedFloat((a, b, m) -> SseFloat.rsqrtss(b));
            case "rsqrtss" -> scalarFloat((a, b, m) -> SseFloat.rsqrtss(b));
            case "rcpps" -> packedFloat((a, b, m) -> SseFloat.rcpss(b));
            case "rcpss" -> scalarFloat((a, b, m) -> SseFloat.rcpss(b));
            case "andps" -> lanewise(PackedInteger::pand);
            case "andpd" -> lanewise(PackedInteger::pand);
            case "andnps" -> lanewise(PackedInteger::pandn);
            case "andnpd" -> lanewise(PackedInteger::pandn);
            case "orps" -> lanewise(PackedInteger::por);
            case "orpd" -> lanewise(PackedInteger::por);
            case "xorps" -> lanewise(PackedInteger::pxor);
            case "xorpd" -> lanewise(PackedInteger::pxor);
            case "addps" -> packedFloat(SseFloat::addss);
            case "addpd" -> packedDouble(SseDouble::addsd);
            case "addss" -> scalarFloat(SseFloat::addss);
            case "addsd" -> scalarDouble(SseDouble::addsd);
            case "mulps" -> packedFloat(SseFloat::mulss);
            case "mulpd" -> packedDouble(SseDouble::mulsd);
            case "mulss" -> scalarFloat(SseFloat::mulss);
            case "mulsd" -> scalarDouble(SseDouble::mulsd);
            case "subps" -> packedFloat(SseFloat::subss);
            case "subpd" -> packedDouble(SseDouble::subsd);
            case "subss" -> scalarFloat(SseFloat::subss);
            case "subsd" -> scalarDouble(SseDouble::subsd);
            case "minps" -> packedFloat(SseFloat::minss);
            case "minpd" -> packedDouble(SseDouble::minsd);
            case "minss" -> scalarFloat(SseFloat::minss);
            case "minsd" -> scalarDouble(SseDouble::minsd);
            case "divps" -> packedFloat(SseFloat::divss);
            case "divpd" -> packedDouble(SseDouble::divsd);
            case "divss" -> scalarFloat(SseFloat::divss);
            case "divsd" -> scalarDouble(SseDouble::divsd);
            case "maxps" -> packedFloat(SseFloat::maxss);
            case "maxpd" -> packedDouble(SseDouble::maxsd);
            case "maxss" -> scalarFloat(SseFloat::maxss);
            case "maxsd" -> scalarDouble(SseDouble::maxsd);
            case "cmpps" -> packedFloatImm(SseFloat::cmpss);
            case "cmppd" -> packedDoubleImm(SseDouble::cmpsd);
            case "cmpss" -> scalarFloatImm(SseFloat::cmpss);
            case "cmpsd" -> scalarDoubleImm(SseDouble::cmpsd);
            case "shufps" -> cross(PackedShuffle::shufpsLow, PackedShuffle::shufpsHigh);
            case "shufpd" -> cross(PackedShuffle::shufpdLow, PackedShuffle::shufpdHigh);
            case "punpcklbw.mmx" -> lanewise(PackedInteger::punpcklbw);
            case "punpcklbw" -> interleaveLow(PackedInteger::punpcklbw, PackedInteger::punpckhbw);
            case "punpcklwd.mmx" -> lanewise(PackedInteger::punpcklwd);
            case "punpcklwd" -> interleaveLow(PackedInteger::punpcklwd, PackedInteger::punpckhwd);
            case "punpckldq.mmx" -> lanewise(PackedInteger::punpckldq);
            case "punpckldq" -> interleaveLow(PackedInteger::punpckldq, PackedInteger::punpckhdq);
            case "packsswb.mmx" -> lanewise(PackedInteger::packsswb);
            case "packsswb" -> horizontal(PackedInteger::packsswb);
            case "pcmpgtb" -> lanewise(PackedInteger::pcmpgtb);
            case "pcmpgtw" -> lanewise(PackedInteger::pcmpgtw);
            case "pcmpgtd" -> lanewise(PackedInteger::pcmpgtd);
            case "packuswb.mmx" -> lanewise(PackedInteger::packuswb);
            case "packuswb" -> horizontal(PackedInteger::packuswb);
            case "punpckhbw.mmx" -> lanewise(PackedInteger::punpckhbw);
            case "punpckhbw" -> interleaveHigh(PackedInteger::punpcklbw, PackedInteger::punpckhbw);
            case "punpckhwd.mmx" -> lanewise(PackedInteger::punpckhwd);
            case "punpckhwd" -> interleaveHigh(PackedInteger::punpcklwd, PackedInteger::punpckhwd);
            case "punpckhdq.mmx" -> lanewise(PackedInteger::punpckhdq);
            case "punpckhdq" -> interleaveHigh(PackedInteger::punpckldq, PackedInteger::punpckhdq);
            case "packssdw.mmx" -> lanewise(PackedInteger::packssdw);
            case "packssdw" -> horizontal(PackedInteger::packssdw);
            case "punpcklqdq" -> move(MOVE_LOW_TO_HIGH);
            case "punpckhqdq" -> cross((al, ah, bl, bh, imm) -> ah, (al, ah, bl, bh, imm) -> bh);
            case "movd" -> move(MOVE_ZERO_EXTEND);
            case "movq" -> move(MOVE_LOW_AND_CLEAR);
            case "movdqa" -> move(MOVE_ALL);
            case "movdqu" -> move(MOVE_ALL);
            case "pshufw" -> mmxImm((a, b, imm) -> PackedInteger.pshufw(b, imm));
            case "pshufd" -> cross(PackedShuffle::pshufdLow, PackedShuffle::pshufdHigh);
            case "pshufhw" -> cross(PackedShuffle::pshufhwLow, PackedShuffle::pshufhwHigh);
            case "pshuflw" -> cross(PackedShuffle::pshuflwLow, PackedShuffle::pshuflwHigh);
            case "psrlw.imm" -> shiftImm(PackedInteger::psrlw);
            case "psrlw" -> shift(PackedInteger::psrlw);
            case "psraw.imm" -> shiftImm(PackedInteger::psraw);
            case "psraw" -> shift(PackedInteger::psraw);
            case "psllw.imm" -> shiftImm(PackedInteger::psllw);
            case "psllw" -> shift(PackedInteger::psllw);
            case "psrld.imm" -> shiftImm(PackedInteger::psrld);
            case "psrld" -> shift(PackedInteger::psrld);
            case "psrad.imm" -> shiftImm(PackedInteger::psrad);
            case "psrad" -> shift(PackedInteger::psrad);
            case "pslld.imm" -> shiftImm(PackedInteger::pslld);
            case "pslld" -> shift(PackedInteger::pslld);
            case "psrlq.imm" -> shiftImm(PackedInteger::psrlq);
            case "psrlq" -> shift(PackedInteger::psrlq);
            case "psllq.imm" -> shiftImm(PackedInteger::psllq);
            case "psllq" -> shift(PackedInteger::psllq);
            case "psrldq" -> cross(PackedShuffle::psrldqLow, PackedShuffle::psrldqHigh);
            case "pslldq" -> cross(PackedShuffle::pslldqLow, PackedShuffle::pslldqHigh);
            case "pcmpeqb" -> lanewise(PackedInteger::pcmpeqb);
            case "pcmpeqw" -> lanewise(PackedInteger::pcmpeqw);
            case "pcmpeqd" -> lanewise(PackedInteger::pcmpeqd);
            case "emms" -> move(MOVE_NOTHING);
            case "pinsrw.mmx" -> mmxImm((a, b, imm) -> PackedInteger.pinsrw(a, (int) b, imm));
            case "pinsrw" -> cross(PackedShuffle::pinsrwLow, PackedShuffle::pinsrwHigh);
            case "pextrw.mmx" -> extract((bl, bh, imm) -> PackedInteger.pextrw(bl, imm));
            case "pextrw" -> extract(PackedShuffle::pextrw);
            case "paddq" -> lanewise(PackedInteger::paddq);
            case "pmullw" -> lanewise(PackedInteger::pmullw);
            case "psubusb" -> lanewise(PackedInteger::psubusb);
            case "psubusw" -> lanewise(PackedInteger::psubusw);
            case "pminub" -> lanewise(PackedInteger::pminub);
            case "pand" -> lanewise(PackedInteger::pand);
            case "paddusb" -> lanewise(PackedInteger::paddusb);
            case "paddusw" -> lanewise(PackedInteger::paddusw);
            case "pmaxub" -> lanewise(PackedInteger::pmaxub);
            case "pandn" -> lanewise(PackedInteger::pandn);
            case "pavgb" -> lanewise(PackedInteger::pavgb);
            case "pavgw" -> lanewise(PackedInteger::pavgw);
            case "pmulhuw" -> lanewise(PackedInteger::pmulhuw);
            case "pmulhw" -> lanewise(PackedInteger::pmulhw);
            case "psubsb" -> lanewise(PackedInteger::psubsb);
            case "psubsw" -> lanewise(PackedInteger::psubsw);
            case "pminsw" -> lanewise(PackedInteger::pminsw);
            case "por" -> lanewise(PackedInteger::por);
            case "paddsb" -> lanewise(PackedInteger::paddsb);
            case "paddsw" -> lanewise(PackedInteger::paddsw);
            case "pmaxsw" -> lanewise(PackedInteger::pmaxsw);
            case "pxor" -> lanewise(PackedInteger::pxor);
            case "pmuludq" -> lanewise(PackedInteger::pmuludq);
            case "pmaddwd" -> lanewise(PackedInteger::pmaddwd);
            case "psadbw" -> lanewise(PackedInteger::psadbw);
            case "psubb" -> lanewise(PackedInteger::psubb);
            case "psubw" -> lanewise(PackedInteger::psubw);
            case "psubd" -> lanewise(PackedInteger::psubd);
            case "psubq" -> lanewise(PackedInteger::psubq);
            case "paddb" -> lanewise(PackedInteger::paddb);
            case "paddw" -> lanewise(PackedInteger::paddw);
            case "paddd" -> lanewise(PackedInteger::paddd);
            case "movq2dq" -> move(MOVE_LOW_AND_CLEAR);
            case "movdq2q" -> move(MOVE_LOW);
            case "pmovmskb.mmx" -> extract((bl, bh, imm) -> PackedInteger.pmovmskb(bl));
            case "pmovmskb" -> extract((bl, bh, imm) -> PackedShuffle.pmovmskb(bl, bh));
            case "movntq" -> move(MOVE_ALL);
            case "movntdq" -> move(MOVE_ALL);
            case "maskmovq" -> move(MOVE_BYTES_BY_MASK);
            case "maskmovdqu" -> move(MOVE_BYTES_BY_MASK);
            default -> null;
        };
    }

    private static Semantics sse3(String name) {
        return switch (name) {
            case "movddup" -> cross((al, ah, bl, bh, imm) -> bl, (al, ah, bl, bh, imm) -> bl);
            case "movsldup" -> lanewise((a, b) -> PackedShuffle.movsldup(b));
            case "movshdup" -> lanewise((a, b) -> PackedShuffle.movshdup(b));
            case "haddpd" -> horizontalDouble(SseDouble::addsd);
            case "haddps" -> horizontalFloat(SseFloat::addss);
            case "hsubpd" -> horizontalDouble(SseDouble::subsd);
            case "hsubps" -> horizontalFloat(SseFloat::subss);
            case "addsubpd" -> alternatingDouble(SseDouble::subsd, SseDouble::addsd);
            case "addsubps" -> alternatingFloat(SseFloat::subss, SseFloat::addss);
            case "lddqu" -> move(MOVE_ALL);
            default -> null;
        };
    }

    private static Semantics ssse3(String name) {
        return switch (name) {
            case "pshufb.mmx" -> lanewise(PackedInteger::pshufb);
            case "pshufb" -> cross(PackedShuffle::pshufbLow, PackedShuffle::pshufbHigh);
            case "phaddw.mmx" -> lanewise(PackedInteger::phaddw);
            case "phaddw" -> horizontal(PackedInteger::phaddw);
            case "phaddd.mmx" -> lanewise(PackedInteger::phaddd);
            case "phaddd" -> horizontal(PackedInteger::phaddd);
            case "phaddsw.mmx" -> lanewise(PackedInteger::phaddsw);
            case "phaddsw" -> horizontal(PackedInteger::phaddsw);
            case "phsubw.mmx" -> lanewise(PackedInteger::phsubw);
            case "phsubw" -> horizontal(PackedInteger::phsubw);
            case "phsubd.mmx" -> lanewise(PackedInteger::phsubd);
            case "phsubd" -> horizontal(PackedInteger::phsubd);
            case "phsubsw.mmx" -> lanewise(PackedInteger::phsubsw);
            case "phsubsw" -> horizontal(PackedInteger::phsubsw);
            case "pmaddubsw" -> lanewise(PackedInteger::pmaddubsw);
            case "psignb" -> lanewise(PackedInteger::psignb);
            case "psignw" -> lanewise(PackedInteger::psignw);
            case "psignd" -> lanewise(PackedInteger::psignd);
            case "pmulhrsw" -> lanewise(PackedInteger::pmulhrsw);
            case "pabsb" -> lanewise((a, b) -> PackedInteger.pabsb(b));
            case "pabsw" -> lanewise((a, b) -> PackedInteger.pabsw(b));
            case "pabsd" -> lanewise((a, b) -> PackedInteger.pabsd(b));
            case "palignr.mmx" -> mmxImm(PackedInteger::palignr);
            case "palignr" -> cross(PackedShuffle::palignrLow, PackedShuffle::palignrHigh);
            default -> null;
        };
    }

    private static Semantics sse41(String name) {
        return switch (name) {
            case "pblendvb" -> blend(PackedShuffle::pblendvb);
            case "blendvps" -> blend(PackedShuffle::blendvps);
            case "blendvpd" -> blend(PackedShuffle::blendvpd);
            case "ptest" -> new Semantics.CompareBits(PackedShuffle::ptest);
            case "pmovsxbw" -> extend(8, 16, true);
            case "pmovsxbd" -> extend(8, 32, true);
            case "pmovsxbq" -> extend(8, 64, true);
            case "pmovsxwd" -> extend(16, 32, true);
            case "pmovsxwq" -> extend(16, 64, true);
            case "pmovsxdq" -> extend(32, 64, true);
            case "pmovzxbw" -> extend(8, 16, false);
            case "pmovzxbd" -> extend(8, 32, false);
            case "pmovzxbq" -> extend(8, 64, false);
            case "pmovzxwd" -> extend(16, 32, false);
            case "pmovzxwq" -> extend(16, 64, false);
            case "pmovzxdq" -> extend(32, 64, false);
            case "pmuldq" -> lanewise(PackedInteger::pmuldq);
            case "pcmpeqq" -> lanewise(PackedInteger::pcmpeqq);
            case "pminsb" -> lanewise(PackedInteger::pminsb);
            case "pminsd" -> lanewise(PackedInteger::pminsd);
            case "pminuw" -> lanewise(PackedInteger::pminuw);
            case "pminud" -> lanewise(PackedInteger::pminud);
            case "pmaxsb" -> lanewise(PackedInteger::pmaxsb);
            case "pmaxsd" -> lanewise(PackedInteger::pmaxsd);
            case "pmaxuw" -> lanewise(PackedInteger::pmaxuw);
            case "pmaxud" -> lanewise(PackedInteger::pmaxud);
            case "pmulld" -> lanewise(PackedInteger::pmulld);
            case "movntdqa" -> move(MOVE_ALL);
            case "packusdw" -> horizontal(PackedInteger::packusdw);
            case "phminposuw" ->
                    cross(
                            (al, ah, bl, bh, imm) -> PackedShuffle.phminposuw(bl, bh),
                            (al, ah, bl, bh, imm) -> 0);
            case "roundps" -> packedFloatImm((a, b, imm, m) -> SseFloat.roundss(b, imm, m));
            case "roundpd" -> packedDoubleImm((a, b, imm, m) -> SseDouble.roundsd(b, imm, m));
            case "roundss" -> scalarFloatImm((a, b, imm, m) -> SseFloat.roundss(b, imm, m));
            case "roundsd" -> scalarDoubleImm((a, b, imm, m) -> SseDouble.roundsd(b, imm, m));
            case "blendps" -> cross(PackedShuffle::blendpsLow, PackedShuffle::blendpsHigh);
            case "blendpd" -> cross(PackedShuffle::blendpdLow, PackedShuffle::blendpdHigh);
            case "pblendw" -> cross(PackedShuffle::pblendwLow, PackedShuffle::pblendwHigh);
            case "pinsrb" -> cross(PackedShuffle::pinsrbLow, PackedShuffle::pinsrbHigh);
            case "pinsrd" -> cross(PackedShuffle::pinsrdLow, PackedShuffle::pinsrdHigh);
            case "pinsrq" -> cross(PackedShuffle::pinsrqLow, PackedShuffle::pinsrqHigh);
            case "insertps" -> cross(PackedShuffle::insertpsLow, PackedShuffle::insertpsHigh);
            case "mpsadbw" -> cross(PackedShuffle::mpsadbwLow, PackedShuffle::mpsadbwHigh);
            case "pextrb" -> extract(PackedShuffle::pextrb);
            case "pextrd" -> extract(PackedShuffle::pextrd);
            case "pextrq" -> extract(PackedShuffle::pextrq);
            case "insertps.load" ->
                    cross(
                            (al, ah, bl, bh, imm) ->
                                    PackedShuffle.insertpsLow(al, ah, bl, bh, imm & 0x3f),
                            (al, ah, bl, bh, imm) ->
                                    PackedShuffle.insertpsHigh(al, ah, bl, bh, imm & 0x3f));
            case "dpps" -> crossFloat(DPPS_LOW, DPPS_HIGH);
            case "dppd" -> crossFloat(DPPD_LOW, DPPD_HIGH);
            default -> null;
        };
    }

    private static Semantics sse42(String name) {
        return switch (name) {
            case "pcmpgtq" -> lanewise(PackedInteger::pcmpgtq);
            case "pcmpestrm" -> new Semantics.CompareStrings(true, false);
            case "pcmpestri" -> new Semantics.CompareStrings(true, true);
            case "pcmpistrm" -> new Semantics.CompareStrings(false, false);
            case "pcmpistri" -> new Semantics.CompareStrings(false, true);
            case "crc32" -> new Semantics.Checksum(Crc32c::crc32);
            case "popcnt" -> new Semantics.CountBits();
            default -> null;
        };
    }

    private static Semantics extend(int from, int to, boolean signed) {
        int lanesPerHalf = 64 / to;
        return cross(
                (al, ah, bl, bh, imm) -> PackedShuffle.extend(bl, from, to, 0, signed),
                (al, ah, bl, bh, imm) -> PackedShuffle.extend(bl, from, to, lanesPerHalf, signed));
    }

    private static Semantics horizontalDouble(Semantics.DoubleOp f) {
        return new Semantics.HorizontalDouble(f);
    }

    private static Semantics horizontalFloat(Semantics.FloatOp f) {
        return new Semantics.HorizontalFloat(f);
    }

    private static Semantics alternatingDouble(Semantics.DoubleOp even, Semantics.DoubleOp odd) {
        return new Semantics.AlternatingDouble(even, odd);
    }

    private static Semantics alternatingFloat(Semantics.FloatOp even, Semantics.FloatOp odd) {
        return new Semantics.AlternatingFloat(even, odd);
    }

    private static Semantics blend(Semantics.BlendOp f) {
        return new Semantics.Blend(f);
    }

    private static Semantics lanewise(Semantics.LongOp f) {
        return new Semantics.Lanewise(f);
    }

    private static Semantics shift(Semantics.LongOp f) {
        return new Semantics.Shift(f);
    }

    private static Semantics shiftImm(Semantics.LongOp f) {
        return new Semantics.ShiftImm(f);
    }

    private static Semantics horizontal(Semantics.LongOp f) {
        return new Semantics.Horizontal(f);
    }

    private static Semantics interleaveLow(Semantics.LongOp low, Semantics.LongOp high) {
        return new Semantics.InterleaveLow(low, high);
    }

    private static Semantics interleaveHigh(Semantics.LongOp low, Semantics.LongOp high) {
        return new Semantics.InterleaveHigh(low, high);
    }

    private static Semantics mmxImm(Semantics.LongImmOp f) {
        return new Semantics.MmxImm(f);
    }

    private static Semantics cross(Semantics.HalfOp low, Semantics.HalfOp high) {
        return new Semantics.Cross(low, high);
    }

    private static Semantics extract(Semantics.ExtractOp f) {
        return new Semantics.Extract(f);
    }

    private static Semantics scalarDouble(Semantics.DoubleOp f) {
        return new Semantics.ScalarDouble(f);
    }

    private static Semantics scalarDoubleImm(Semantics.DoubleImmOp f) {
        return new Semantics.ScalarDoubleImm(f);
    }

    private static Semantics packedDouble(Semantics.DoubleOp f) {
        return new Semantics.PackedDouble(f);
    }

    private static Semantics packedDoubleImm(Semantics.DoubleImmOp f) {
        return new Semantics.PackedDoubleImm(f);
    }

    private static Semantics scalarFloat(Semantics.FloatOp f) {
        return new Semantics.ScalarFloat(f);
    }

    private static Semantics scalarFloatImm(Semantics.FloatImmOp f) {
        return new Semantics.ScalarFloatImm(f);
    }

    private static Semantics packedFloat(Semantics.FloatOp f) {
        return new Semantics.PackedFloat(f);
    }

    private static Semantics packedFloatImm(Semantics.FloatImmOp f) {
        return new Semantics.PackedFloatImm(f);
    }

    private static Semantics compareDouble(Semantics.DoubleFlagsOp f) {
        return new Semantics.CompareDouble(f);
    }

    private static Semantics compareFloat(Semantics.FloatFlagsOp f) {
        return new Semantics.CompareFloat(f);
    }

    private static Semantics integerToDouble(Semantics.LongToLong f) {
        return new Semantics.IntegerToDouble(f);
    }

    private static Semantics integerToFloat(Semantics.LongToFloat f) {
        return new Semantics.IntegerToFloat(f);
    }

    private static Semantics doubleToFloat(Semantics.LongToFloat f) {
        return new Semantics.DoubleToFloat(f);
    }

    private static Semantics crossFloat(Semantics.FloatHalfOp low, Semantics.FloatHalfOp high) {
        return new Semantics.CrossFloat(low, high);
    }

    private static Semantics move(MoveKind kind) {
        return new Semantics.Move(kind);
    }
}
